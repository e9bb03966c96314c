package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAnErrorIsToldWithItsAdviceAndItsChapter(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{nil, 0, ""},
		{errors.New("no such container: web"), 1, "cooper: no such container: web\n"},
		{&namespaces.StepError{Step: "rootfs/pivot_root", Err: unix.EINVAL}, 1,
			"cooper: rootfs/pivot_root: invalid argument\nsee docs/03-rootfs.md#rootfspivot_root\n"},
		{failedToStart(fmt.Errorf("start: %w", &namespaces.StepError{Step: "network/publish", Err: unix.EADDRINUSE})), 125,
			"cooper: start: network/publish: address already in use\nhint: another program listens there; 'ss -ltnup' shows which\nsee docs/06-network.md#networkpublish\n"},
		{&fs.PathError{Op: "open", Path: "/var/lib/cooper", Err: unix.EACCES}, 1,
			"cooper: open /var/lib/cooper: permission denied\nhint: cooper may not do this; run it as root, or look at 'cooper doctor'\n"},
		{&usageError{"cooper run", "unknown flag: --frob"}, 125, "cooper: unknown flag: --frob\nSee 'cooper run --help'.\n"},
		{errors.New("registry says \x1b[2J"), 1, "cooper: registry says \\x1b[2J\n"},
		{exitWith(42), 42, ""},
		{exitWith(0), 0, ""},
	} {
		var out strings.Builder
		require.Equal(t, c.code, report(&out, c.err))
		require.Equal(t, c.want, out.String())
	}
}

func TestAnErrorThatHasAStatusKeepsIt(t *testing.T) {
	require.Equal(t, 3, report(new(strings.Builder), failedToStart(exitWith(3))))
	require.NoError(t, failedToStart(nil))
}

func TestDebugShowsEveryLayerOfAnError(t *testing.T) {
	var out strings.Builder
	trace(&out, fmt.Errorf("open the engine: %w", &fs.PathError{Op: "open", Path: "/x", Err: unix.EACCES}))
	require.Equal(t, "debug: *fmt.wrapError: open the engine: open /x: permission denied\n"+
		"debug: *fs.PathError: open /x: permission denied\ndebug: syscall.Errno: permission denied\n", out.String())
}

func TestAdviceIsAboutStepsThatThereAre(t *testing.T) {
	for _, known := range stepAdvice() {
		chapter, _, found := strings.Cut(namespaces.Chapter(known.step), "#")
		require.True(t, found, known.step)
		if strings.HasSuffix(known.step, "/") {
			continue // all of a stage's
		}
		text, err := os.ReadFile(filepath.Join("..", chapter))
		require.NoError(t, err)
		require.Contains(t, string(text), "\n### "+known.step+"\n")
	}
}
