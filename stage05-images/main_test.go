package images

import (
	"os"
	"testing"

	namespaces "cooper/stage01-namespaces"
)

// The tests' own binary becomes the containers of the tests.
func TestMain(m *testing.M) {
	namespaces.Init(Inside)
	os.Exit(m.Run())
}
