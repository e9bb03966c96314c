package rootfs

import (
	"errors"
	"fmt"

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

func setRlimits(limits []Rlimit) error {
	for _, limit := range limits {
		err := unix.Setrlimit(rlimitNumbers[limit.Type], &unix.Rlimit{Cur: limit.Soft, Max: limit.Hard})
		if errors.Is(err, unix.EPERM) {
			return fmt.Errorf("setrlimit %s %d:%d: above our own hard limit, and we lack CAP_SYS_RESOURCE: %w", limit.Type, limit.Soft, limit.Hard, err)
		}
		if err != nil {
			return fmt.Errorf("setrlimit %s %d:%d: %w", limit.Type, limit.Soft, limit.Hard, err)
		}
	}
	return nil
}
