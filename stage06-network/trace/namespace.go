package trace

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// inside runs do in a network namespace; nil is the caller's own. A socket
// belongs for good to the namespace that it was made in, whoever uses it.
//
// The thread is never unlocked, and so ends with its goroutine: one that
// couldn't come back would carry other goroutines into the container.
func inside(ns *os.File, do func() error) error {
	if ns == nil {
		return do()
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- fmt.Errorf("enter the container's network: %w", os.NewSyscallError("setns", err))
			return
		}
		done <- do()
	}()
	return <-done
}

// openNamespace opens the container's network namespace. It is nil where that
// is the caller's own: a container on the host's network.
func openNamespace(path string) (*os.File, error) {
	ns, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the container's network: %w", err)
	}
	own, err := os.Stat("/proc/thread-self/ns/net")
	if err != nil {
		ns.Close()
		return nil, fmt.Errorf("look at the host's network: %w", err)
	}
	if its, err := ns.Stat(); err == nil && os.SameFile(own, its) {
		return nil, ns.Close()
	}
	return ns, nil
}
