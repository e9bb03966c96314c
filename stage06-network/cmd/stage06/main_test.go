package main

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
	network "cooper/stage06-network"
)

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
	default:
		notrace.OwnRoom(unix.CLONE_NEWNS)
		if os.Geteuid() == 0 {
			if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				panic(err)
			}
		}
		os.Exit(m.Run())
	}
}
