package trace

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const inOwnNetwork = "COOPER_TEST_IN_OWN_NETWORK"

// The tests run in a network namespace of their own, which plays the host.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(traceFor) != "":
		traceAsTold()
		return
	case os.Geteuid() != 0: // the tests of the kernel say that they are skipped
	case os.Getenv(inOwnNetwork) == "":
		os.Exit(againInOwnNetwork())
	default:
		if err := exec.Command("ip", "link", "set", "lo", "up").Run(); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func againInOwnNetwork() int {
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Args[0] = os.Args[0]
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.Env = append(os.Environ(), inOwnNetwork+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	if err := again.Run(); err != nil && again.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "start the tests in a network namespace:", err)
	}
	return again.ProcessState.ExitCode()
}
