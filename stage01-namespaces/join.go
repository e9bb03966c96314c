package namespaces

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// joinable is what one setns(2) joins: a namespace's own file, or a pidfd
// with the flags of several namespaces (since Linux 5.8).
type joinable struct {
	file  *os.File
	flags uintptr
}

// joinsOf opens what the Spec asks to join: all that sets the target process
// apart from us, or each namespace that is given by a path.
func joinsOf(s *Spec) ([]joinable, error) {
	if s.Target != 0 {
		return joinTarget(s.Target)
	}
	var joins []joinable
	for _, ns := range s.Namespaces {
		if ns.Path == "" {
			continue
		}
		file, err := os.Open(ns.Path)
		if err != nil {
			closeAll(joins)
			return nil, fmt.Errorf("open %s namespace to join: %w", ns.Kind, err)
		}
		joins = append(joins, joinable{file, flags[ns.Kind].clone})
	}
	// The user namespace first: it is what permits joining those it owns.
	slices.SortStableFunc(joins, func(a, b joinable) int {
		return int(b.flags&unix.CLONE_NEWUSER) - int(a.flags&unix.CLONE_NEWUSER)
	})
	return joins, nil
}

func joinTarget(pid int) ([]joinable, error) {
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("open process %d to join: %w", pid, os.NewSyscallError("pidfd_open", err))
	}
	target := os.NewFile(uintptr(pidfd), "pidfd")
	mask, err := differing(pid)
	// Only now is it sure that /proc/PID was the process behind the pidfd.
	if err == nil {
		err = unix.PidfdSendSignal(pidfd, 0, nil, 0)
	}
	if err != nil || mask == 0 {
		return nil, errors.Join(err, target.Close())
	}
	return []joinable{{target, mask}}, nil
}

// differing returns the clone flags of the namespaces in which process pid
// isn't where we are. Joining one's own is an error for a user namespace.
func differing(pid int) (mask uintptr, err error) {
	for _, flag := range flags {
		var ours, theirs unix.Stat_t
		if err := unix.Stat("/proc/thread-self/ns/"+flag.proc, &ours); errors.Is(err, unix.ENOENT) {
			continue // a kind that this kernel lacks
		} else if err != nil {
			return 0, &os.PathError{Op: "stat", Path: "/proc/thread-self/ns/" + flag.proc, Err: err}
		}
		path := fmt.Sprintf("/proc/%d/ns/%s", pid, flag.proc)
		if err := unix.Stat(path, &theirs); err != nil {
			return 0, &os.PathError{Op: "stat", Path: path, Err: err}
		}
		if ours.Ino != theirs.Ino || ours.Dev != theirs.Dev {
			mask |= flag.clone
		}
	}
	return mask, nil
}

func closeAll(joins []joinable) {
	for _, join := range joins {
		join.file.Close()
	}
}
