package main

import (
	"os"
	"path/filepath"
	"testing"

	namespaces "cooper/stage01-namespaces"
)

// TestMain makes the test binary the program, for whoever calls it by that name.
func TestMain(m *testing.M) {
	namespaces.Init(inside)
	if filepath.Base(os.Args[0]) == "stage04" {
		main()
		return
	}
	os.Exit(m.Run())
}
