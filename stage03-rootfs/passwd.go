package rootfs

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// passwdEntry is a line of /etc/passwd, see passwd(5):
//
//	alice:x:1000:1000:Alice:/home/alice:/bin/sh
//	name  : uid  gid : gecos : home     : shell
type passwdEntry struct {
	name     string
	uid, gid int
	home     string
}

// groupEntry is a line of /etc/group, see group(5):
//
//	audio:x:29:alice,bob
//	name  : gid members
type groupEntry struct {
	name    string
	gid     int
	members []string
}

// findUser returns the first entry that matches. The file is the image's: a
// line with nonsense in it is skipped, unless it is the one asked for. Then it
// is an error, never uid 0, which is what a parser that ignores the error of
// its Atoi makes of it.
func findUser(passwd io.Reader, matches func(passwdEntry) bool) (passwdEntry, bool, error) {
	lines := bufio.NewScanner(passwd)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 4 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		uid, uidErr := parseID(fields[2])
		gid, gidErr := parseID(fields[3])
		entry := passwdEntry{name: fields[0], uid: uid, gid: gid}
		if len(fields) > 5 {
			entry.home = fields[5]
		}
		if !matches(entry) {
			continue
		}
		if uidErr != nil || gidErr != nil {
			return passwdEntry{}, false, fmt.Errorf("parse /etc/passwd: user %q: bad uid or gid in %q", entry.name, lines.Text())
		}
		return entry, true, nil
	}
	return passwdEntry{}, false, lines.Err()
}

// parseGroups reads all groups whose lines make sense.
func parseGroups(group io.Reader) ([]groupEntry, error) {
	var groups []groupEntry
	lines := bufio.NewScanner(group)
	for lines.Scan() {
		fields := strings.Split(lines.Text(), ":")
		if len(fields) < 3 || strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		gid, err := parseID(fields[2])
		if err != nil {
			continue
		}
		entry := groupEntry{name: fields[0], gid: gid}
		if len(fields) > 3 && fields[3] != "" {
			entry.members = strings.Split(fields[3], ",")
		}
		groups = append(groups, entry)
	}
	return groups, lines.Err()
}

func (g groupEntry) has(user string) bool { return slices.Contains(g.members, user) }

// maxID is the largest uid or gid that Docker takes, and that is the same
// number whether a program reads it as signed or not.
const maxID = 1<<31 - 1

// parseID reads a uid or gid: decimal digits, and in range. A wrapped
// 4294967296 would be root (CVE-2024-40635).
func parseID(text string) (int, error) {
	if !isNumber(text) {
		return -1, fmt.Errorf("%q is not a number", text)
	}
	id, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return -1, fmt.Errorf("%s: uids and gids must be in range 0-%d", text, maxID)
	}
	return int(id), nil
}

// isNumber tells whether a user or group is given as a number, in range or
// not: "-1" is no one's name.
func isNumber(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// maxDatabase is how much of a passwd or group file is read.
const maxDatabase = 1 << 20

// openDatabase opens a file of the container's /etc, or nothing if there is
// none. It may be a link, inside the root. It may be no FIFO, on which we
// would wait for ever (that is what O_NONBLOCK is for), nor any other device.
func openDatabase(root *os.File, path string) (io.ReadCloser, error) {
	file, err := openInRoot(root, path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY)
	if os.IsNotExist(err) {
		return io.NopCloser(strings.NewReader("")), nil
	}
	if err != nil {
		return nil, err
	}
	stat, err := fstat(file)
	if err == nil && stat.Mode&unix.S_IFMT != unix.S_IFREG {
		err = fmt.Errorf("read %s: it is not a regular file: %w", path, unix.EINVAL)
	}
	if err == nil && stat.Size > maxDatabase {
		err = fmt.Errorf("read %s: longer than %d bytes: %w", path, maxDatabase, unix.EFBIG)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(file, maxDatabase), file}, nil
}
