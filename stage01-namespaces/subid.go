package namespaces

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// RunAsCaller adds the user namespace of RunAsRootOf for whoever runs this
// program, if it is asked for, and always for who isn't root: nobody else may
// make the other namespaces. With subids the ids that are lent come along.
func (s *Spec) RunAsCaller(userns, subids bool) error {
	if userns || subids || os.Geteuid() != 0 {
		s.RunAsRootOf(os.Getuid(), os.Getgid())
	}
	if subids {
		return s.AddSubordinateIDs(os.Getuid())
	}
	return nil
}

// AddSubordinateIDs adds to the user namespace of RunAsRootOf the ids that the
// administrator lends the user, as 1, 2, 3, … inside: those of /etc/subuid and
// /etc/subgid. An image with more users than root needs them.
func (s *Spec) AddSubordinateIDs(uid int) error {
	owners := []string{strconv.Itoa(uid)}
	if known, err := user.LookupId(owners[0]); err == nil {
		owners = append(owners, known.Username)
	}
	for _, ids := range []struct {
		file string
		to   *[]IDMapping
	}{{"/etc/subuid", &s.UIDMappings}, {"/etc/subgid", &s.GIDMappings}} {
		file, err := os.Open(ids.file)
		if err != nil {
			return fmt.Errorf("open subordinate ids: %w", err)
		}
		lent, err := parseSubordinates(file, owners)
		file.Close()
		if err != nil {
			return fmt.Errorf("read %s: %w", ids.file, err)
		}
		if len(lent) == 0 {
			name := owners[len(owners)-1]
			return fmt.Errorf("read %s: no line for user %s (as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 %s)", ids.file, name, name)
		}
		*ids.to = append(*ids.to, lent...)
	}
	return nil
}

// parseSubordinates reads the ranges that one user may map. Each line is
//
//	cooper:100000:65536      a user's name or uid, the first id, how many
//
// as subuid(5) describes it. Of other users' lines nothing is expected. The
// ranges are put one after the other, from id 1 on.
//
// The host's root is nobody's to lend: a range that holds it is refused.
func parseSubordinates(r io.Reader, owners []string) (mappings []IDMapping, err error) {
	next := uint64(1)
	lines := bufio.NewScanner(r)
	for number := 1; lines.Scan(); number++ {
		fields := strings.Split(strings.TrimSpace(lines.Text()), ":")
		if !slices.Contains(owners, fields[0]) {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: want NAME:FIRST:COUNT", number)
		}
		first, err1 := strconv.ParseUint(fields[1], 10, 32)
		count, err2 := strconv.ParseUint(fields[2], 10, 32)
		switch {
		case err1 != nil || err2 != nil:
			return nil, fmt.Errorf("line %d: want NAME:FIRST:COUNT", number)
		case first == 0:
			return nil, fmt.Errorf("line %d: lends the host's root", number)
		// The last id of all, 2³²-1, means "none" to the kernel.
		case count == 0 || first+count > math.MaxUint32 || next+count > math.MaxUint32:
			return nil, fmt.Errorf("line %d: %d ids from %d on are none, or too many", number, count, first)
		}
		mappings = append(mappings, IDMapping{ContainerID: uint32(next), HostID: uint32(first), Size: uint32(count)})
		next += count
	}
	return mappings, lines.Err()
}
