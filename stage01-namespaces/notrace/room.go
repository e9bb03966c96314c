package notrace

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// inOwnRoom marks the process that OwnRoom has started.
const inOwnRoom = "COOPER_TEST_IN_OWN_ROOM"

// OwnRoom runs this test program again in a network namespace of its own, and
// whatever others the flags say (clone(2)), so that every thread and goroutine
// is there and the machine's links and rules are left alone. It is for TestMain:
// in the first process it doesn't return, in the one that it starts it does.
// Without root it does nothing; then the kernel's tests are skipped.
func OwnRoom(flags uintptr) {
	if os.Geteuid() != 0 || os.Getenv(inOwnRoom) != "" {
		return
	}
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Args[0] = os.Args[0]
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.Env = append(os.Environ(), inOwnRoom+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | flags, Pdeathsig: syscall.SIGKILL}
	if err := again.Run(); err != nil && again.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "start the tests in a network namespace:", err)
	}
	os.Exit(again.ProcessState.ExitCode())
}
