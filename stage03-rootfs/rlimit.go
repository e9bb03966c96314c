package rootfs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// rlimitNumbers are the limits of getrlimit(2).
var rlimitNumbers = map[string]int{
	"RLIMIT_AS": unix.RLIMIT_AS, "RLIMIT_CORE": unix.RLIMIT_CORE, "RLIMIT_CPU": unix.RLIMIT_CPU,
	"RLIMIT_DATA": unix.RLIMIT_DATA, "RLIMIT_FSIZE": unix.RLIMIT_FSIZE, "RLIMIT_LOCKS": unix.RLIMIT_LOCKS,
	"RLIMIT_MEMLOCK": unix.RLIMIT_MEMLOCK, "RLIMIT_MSGQUEUE": unix.RLIMIT_MSGQUEUE, "RLIMIT_NICE": unix.RLIMIT_NICE,
	"RLIMIT_NOFILE": unix.RLIMIT_NOFILE, "RLIMIT_NPROC": unix.RLIMIT_NPROC, "RLIMIT_RSS": unix.RLIMIT_RSS,
	"RLIMIT_RTPRIO": unix.RLIMIT_RTPRIO, "RLIMIT_RTTIME": unix.RLIMIT_RTTIME,
	"RLIMIT_SIGPENDING": unix.RLIMIT_SIGPENDING, "RLIMIT_STACK": unix.RLIMIT_STACK,
}

func (s *Spec) validateRlimits() error {
	seen := map[string]bool{}
	for _, limit := range s.Rlimits {
		if _, known := rlimitNumbers[limit.Type]; !known {
			return fmt.Errorf("unknown resource limit %q: use RLIMIT_NOFILE and the like, see getrlimit(2)", limit.Type)
		}
		if limit.Soft > limit.Hard {
			return fmt.Errorf("limit %s: the soft limit %d is above the hard limit %d", limit.Type, limit.Soft, limit.Hard)
		}
		if seen[limit.Type] {
			return fmt.Errorf("limit %s given twice", limit.Type)
		}
		seen[limit.Type] = true
	}
	return nil
}

// ParseUlimit reads the value of --ulimit, NAME=SOFT[:HARD], with the names of
// the shell's builtin: nofile=1024:2048. The hard limit is the soft one if it
// isn't given, and -1 or "unlimited" is none at all. Docker has no name for the
// address space, RLIMIT_AS, and so it has none here.
func ParseUlimit(value string) (Rlimit, error) {
	name, numbers, found := strings.Cut(value, "=")
	limit := Rlimit{Type: "RLIMIT_" + strings.ToUpper(name)}
	if _, known := rlimitNumbers[limit.Type]; !known || name != strings.ToLower(name) || name == "as" {
		return Rlimit{}, fmt.Errorf("ulimit %q: unknown name %q: use nofile, nproc, core and the like, see getrlimit(2)", value, name)
	}
	if !found {
		return Rlimit{}, fmt.Errorf("ulimit %q: give a number, %s=SOFT[:HARD]", value, name)
	}
	soft, hard, both := strings.Cut(numbers, ":")
	if !both {
		hard = soft
	}
	var err error
	if limit.Soft, err = parseRlimit(soft); err != nil {
		return Rlimit{}, fmt.Errorf("ulimit %q: %w", value, err)
	}
	if limit.Hard, err = parseRlimit(hard); err != nil {
		return Rlimit{}, fmt.Errorf("ulimit %q: %w", value, err)
	}
	if limit.Soft > limit.Hard {
		return Rlimit{}, fmt.Errorf("ulimit %q: the soft limit is above the hard limit", value)
	}
	return limit, nil
}

func parseRlimit(text string) (uint64, error) {
	if text == "-1" || text == "unlimited" {
		return unix.RLIM_INFINITY, nil
	}
	number, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not a limit: give a number, or -1 for none", text)
	}
	return number, nil
}

// raiseRlimits raises hard limits where the Spec asks for more than we have,
// which takes CAP_SYS_RESOURCE, and changes nothing else: setRlimits follows
// when everything else is done.
func raiseRlimits(limits []Rlimit) error {
	for _, limit := range limits {
		var have unix.Rlimit
		if err := unix.Getrlimit(rlimitNumbers[limit.Type], &have); err != nil {
			return fmt.Errorf("getrlimit %s: %w", limit.Type, err)
		}
		if limit.Hard <= have.Max {
			continue
		}
		err := unix.Setrlimit(rlimitNumbers[limit.Type], &unix.Rlimit{Cur: have.Cur, Max: limit.Hard})
		if errors.Is(err, unix.EPERM) {
			return fmt.Errorf("setrlimit %s %d:%d: above our own hard limit, and we lack CAP_SYS_RESOURCE, or it is above fs.nr_open: %w", limit.Type, limit.Soft, limit.Hard, err)
		}
		if err != nil {
			return fmt.Errorf("setrlimit %s %d:%d: %w", limit.Type, limit.Soft, limit.Hard, err)
		}
	}
	return nil
}

// setRlimits sets the limits as the command is to have them. They count for us
// at once: with four open files, or little memory, we couldn't finish our own
// work. So it comes after all that opens a file or asks for memory, and needs no
// privilege, since no hard limit is raised any more.
func setRlimits(limits []Rlimit) error {
	namespaces.Pin() // Go's scheduler may lack the memory to change threads
	for _, limit := range limits {
		err := unix.Setrlimit(rlimitNumbers[limit.Type], &unix.Rlimit{Cur: limit.Soft, Max: limit.Hard})
		if err != nil {
			return fmt.Errorf("setrlimit %s %d:%d: %w", limit.Type, limit.Soft, limit.Hard, err)
		}
	}
	return nil
}
