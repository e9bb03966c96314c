package namespaces

import (
	"errors"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// Visit runs do in another network namespace and returns what it returns. What
// is opened there, a socket or a file below /proc/sys/net, belongs to that
// namespace for good and can be used from anywhere.
//
// setns(2) moves one thread, and Go moves goroutines from thread to thread as
// it likes. So do runs locked to a thread of its own, and starts no goroutines:
// those would be on other threads, and elsewhere. Should the way back fail, the
// thread stays locked and ends with its goroutine, so that nothing else ever
// runs on it.
func Visit(network *os.File, do func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			done <- err
			return
		}
		defer home.Close()
		if err = os.NewSyscallError("setns", unix.Setns(int(network.Fd()), unix.CLONE_NEWNET)); err == nil {
			err = do()
		}
		back := os.NewSyscallError("setns", unix.Setns(int(home.Fd()), unix.CLONE_NEWNET))
		if back == nil {
			runtime.UnlockOSThread()
		}
		done <- errors.Join(err, back)
	}()
	return <-done
}
