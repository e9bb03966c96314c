package resolver

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// visit calls f in another network namespace.
//
// A network namespace is the thread's, not the process's (setns(2)), and Go
// moves goroutines between threads as it likes. So f runs on a goroutine that
// keeps its thread to itself until that is home again.
//
// The thread isn't simply thrown away, as those are that change for good: it
// may be the one that made the container's first process, which the kernel
// kills when that thread ends (PR_SET_PDEATHSIG in prctl(2)). For the same
// reason one that can't come home is kept, and never used again.
func visit(netns *os.File, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		there, err := goThereAndBack(netns, f)
		done <- err
		if there {
			select {}
		}
		runtime.UnlockOSThread()
	}()
	return <-done
}

// goThereAndBack does so on this thread, and reports whether it is still there.
func goThereAndBack(netns *os.File, f func() error) (there bool, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return false, err
	}
	defer home.Close()
	if err := unix.Setns(int(netns.Fd()), unix.CLONE_NEWNET); err != nil {
		return false, os.NewSyscallError("setns", err)
	}
	err = f()
	return unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) != nil, err
}

// duplicate returns a file of our own for the same namespace.
func duplicate(netns *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(netns.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "duplicate", Path: netns.Name(), Err: err}
	}
	return os.NewFile(uintptr(fd), netns.Name()), nil
}
