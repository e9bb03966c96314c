package cgroups

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Hierarchy is one mounted tree of cgroups.
type Hierarchy struct {
	Mountpoint  string   // where its top is seen: "/sys/fs/cgroup/memory"
	Root        string   // which group that top is: "/", or deeper when we are in a container ourselves
	Controllers []string // of ours, in version 1; version 2 lists them in a file
	Delegated   string   // where below the mount the top is that was delegated to us; empty for root
}

// System is how this machine has its cgroups mounted.
type System struct {
	Version     int // 1 or 2
	Hierarchies []Hierarchy
}

// controllers are those that this stage speaks to, in version 1's names. The
// freezer is the last one: a container's processes are found by it, so its
// group is the last to be removed.
var controllers = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "hugetlb", "rdma", "devices", "freezer"}

// Detect reads how this machine has its cgroups mounted.
func Detect() (System, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return System{}, err
	}
	defer file.Close()
	system, err := ReadSystem(file)
	if err != nil {
		return System{}, err
	}
	return system.delegated()
}

// ReadSystem is Detect for the text of any /proc/PID/mountinfo, whose lines are
//
//	36    35     98:0  /mnt1 /mnt2 rw,noatime master:1 -  ext3  /dev/root rw,errors=continue
//	id parent device  root  point options   optional   -  type  source    super options
//
// with any number of optional fields (proc_pid_mountinfo(5)).
//
// A machine is of version 1 as soon as one controller of ours is mounted so.
// Its "unified" mount, if it has one, is version 2 without these controllers:
// a controller lives in one hierarchy at a time.
func ReadSystem(mountinfo io.Reader) (System, error) {
	var one, two []Hierarchy
	lines := bufio.NewScanner(mountinfo)
	for lines.Scan() {
		before, after, found := strings.Cut(lines.Text(), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !found || len(left) < 6 || len(right) < 3 {
			return System{}, fmt.Errorf("read mountinfo: unexpected line %q", lines.Text())
		}
		h := Hierarchy{Root: unescape(left[3]), Mountpoint: unescape(left[4])}
		switch right[0] {
		case "cgroup2":
			two = append(two, h)
		case "cgroup":
			h.Controllers = ours(strings.Split(right[2], ","))
			if len(h.Controllers) > 0 && !slices.ContainsFunc(one, h.sameControllers) {
				one = append(one, h)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return System{}, fmt.Errorf("read mountinfo: %w", err)
	}
	switch {
	case len(one) > 0:
		slices.SortStableFunc(one, func(a, b Hierarchy) int { return a.rank() - b.rank() })
		return System{Version: 1, Hierarchies: one}, nil
	case len(two) > 0:
		return System{Version: 2, Hierarchies: two[:1]}, nil
	}
	return System{}, fmt.Errorf("no cgroups are mounted: mount -t cgroup2 none /sys/fs/cgroup")
}

// ours picks the controllers we know from a mount's options.
func ours(options []string) (known []string) {
	for _, option := range options {
		if slices.Contains(controllers, option) {
			known = append(known, option)
		}
	}
	return known
}

// sameControllers reports a hierarchy that is mounted once more elsewhere.
func (h Hierarchy) sameControllers(other Hierarchy) bool {
	return slices.Equal(h.Controllers, other.Controllers)
}

// rank is the place of the hierarchy's last controller in the list above.
func (h Hierarchy) rank() (last int) {
	for _, c := range h.Controllers {
		last = max(last, slices.Index(controllers, c))
	}
	return last
}

// unescape decodes the four characters that mountinfo writes in octal.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s // nearly always; the replacer's tables take 50 kB, in every shim
	}
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
