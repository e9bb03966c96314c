package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
	network "cooper/stage06-network"
)

// inOwnNetwork marks the process that plays the host.
const inOwnNetwork = "COOPER_TEST_IN_OWN_NETWORK"

// TestMain makes the test binary the program, or the server in a container, for
// whoever calls it by that name. For root it plays the host, in a network
// namespace of its own.
func TestMain(m *testing.M) {
	namespaces.Init(network.Inside)
	switch {
	case filepath.Base(os.Args[0]) == "stage06":
		main()
	case filepath.Base(os.Args[0]) == "answer":
		answerInContainer()
	case os.Geteuid() == 0 && os.Getenv(inOwnNetwork) == "":
		os.Exit(againAsHost())
	default:
		os.Exit(m.Run())
	}
}

// againAsHost runs this program again, with network and mounts of its own.
func againAsHost() int {
	runtime.LockOSThread() // Pdeathsig is sent when the thread ends
	again := exec.Command("/proc/self/exe", os.Args[1:]...)
	again.Args[0] = os.Args[0]
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.Env = append(os.Environ(), inOwnNetwork+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := again.Run(); err != nil && again.ProcessState == nil {
		fmt.Fprintln(os.Stderr, "start the tests in a network namespace:", err)
	}
	return again.ProcessState.ExitCode()
}
