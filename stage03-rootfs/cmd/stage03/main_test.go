package main

import (
	"os"
	"path/filepath"
	"testing"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
)

// TestMain makes the test binary the program, for whoever calls it by that name.
func TestMain(m *testing.M) {
	namespaces.Init(rootfs.Inside)
	if filepath.Base(os.Args[0]) == "stage03" {
		main()
		return
	}
	os.Exit(m.Run())
}
