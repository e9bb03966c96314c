package images

import (
	"context"
	"fmt"
	"os"
	"testing"

	namespaces "cooper/stage01-namespaces"
)

// The tests' own binary becomes the containers of the tests, and, as "pull
// STORE NAME" or "load STORE", a process of its own, so that a test can kill it.
func TestMain(m *testing.M) {
	namespaces.Init(Inside)
	if len(os.Args) == 4 && os.Args[1] == "pull" {
		pullAsProcess(os.Args[2], os.Args[3])
	}
	if len(os.Args) == 3 && os.Args[1] == "load" {
		loadAsProcess(os.Args[2])
	}
	os.Exit(m.Run())
}

// pullAsProcess writes a line for each report of progress.
func pullAsProcess(dir, name string) {
	s, err := OpenStore(dir)
	if err == nil {
		_, err = Pull(context.Background(), s, name, PullOptions{Progress: watching(func(id, state string, n, _ int64) {
			fmt.Println(id, state, n)
		})})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
