package namespaces

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Visit runs do in another network namespace and returns what it returns. What
// is opened there, a socket or a file below /proc/sys/net, belongs to that
// namespace for good and can be used from anywhere.
//
// A network namespace is the thread's, not the process's (setns(2)), and Go
// moves goroutines between threads as it likes. So do runs on a goroutine that
// keeps its thread to itself until that is home again. It starts no goroutines:
// those would be on other threads, and elsewhere.
//
// The thread isn't simply thrown away, as those are that change for good: it
// may be the one that made a container's first process, which the kernel kills
// when that thread ends (PR_SET_PDEATHSIG in prctl(2)). For the same reason one
// that can't come home is kept, and never used again.
func Visit(network *os.File, do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		away, err := thereAndBack(network, do)
		done <- err
		if away {
			select {}
		}
		runtime.UnlockOSThread()
	}()
	return <-done
}

// thereAndBack does so on this thread, and reports whether it is still there.
func thereAndBack(network *os.File, do func() error) (away bool, err error) {
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return false, err
	}
	defer home.Close()
	if err := unix.Setns(int(network.Fd()), unix.CLONE_NEWNET); err != nil {
		return false, os.NewSyscallError("setns", err)
	}
	err = do()
	return unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) != nil, err
}
