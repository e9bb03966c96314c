package unionfs

import (
	"os"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

func TestAVolatileUpperDirectoryCanBeUsedAgainUntilTheMachineRestarts(t *testing.T) {
	notrace.Check(t)
	s := stackOf(t, applied(t, file("a", "")))
	s.Volatile = true
	inUnion(t, s, func(root string) {
		require.Contains(t, optionsOf(t, root), "volatile")
		require.NoError(t, os.WriteFile(root+"/kept", []byte("in memory"), 0o600))
	})
	require.DirExists(t, s.Work+"/work/incompat/volatile", "without the mark this test shows nothing")
	for _, again := range []bool{true, false} { // the second time not volatile any more
		s.Volatile = again
		inUnion(t, s, func(root string) {
			require.Equal(t, again, strings.Contains(optionsOf(t, root), "volatile"))
			require.Equal(t, "in memory", slurp(t, root+"/kept"))
		})
	}
}

func TestAfterACrashOfTheMachineWhatWasVolatileIsRefused(t *testing.T) {
	notrace.Check(t)
	s := stackOf(t, applied(t, file("a", "")))
	s.Volatile = true
	inUnion(t, s, func(string) {})
	for name, leave := range map[string]func() error{
		"another boot":       func() error { return os.WriteFile(s.Work+"/boot_id", []byte("of last week\n"), 0o600) },
		"a boot that's lost": func() error { return os.Remove(s.Work + "/boot_id") },
	} {
		require.NoError(t, leave())
		inOwnMounts(t, func() {
			err := mountOverlay(s)
			require.ErrorIs(t, err, ErrLost, name)
			require.ErrorContains(t, err, "remove the container", name)
		})
		require.DirExists(t, s.Work+"/work/incompat/volatile", name)
	}
}

// optionsOf returns what the kernel says of a mount; see mountinfo in proc(5).
func optionsOf(t testing.TB, place string) string {
	t.Helper()
	for line := range strings.Lines(slurp(t, "/proc/thread-self/mountinfo")) {
		if strings.Contains(line, " "+place+" ") {
			return line
		}
	}
	t.Fatalf("nothing is mounted on %s", place)
	return ""
}

// The kernel's own defaults differ with how it was built; ours don't.
func TestTheOptionsDoNotDependOnTheKernelsDefaults(t *testing.T) {
	notrace.Check(t)
	bottom := applied(t, dir("d/"), file("d/f", strings.Repeat("x", 5000)), hardlink("d/g", "d/f"))
	for _, parameter := range []string{"redirect_dir", "metacopy", "index"} {
		path := "/sys/module/overlay/parameters/" + parameter
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte("Y"), 0))
		t.Cleanup(func() { require.NoError(t, os.WriteFile(path, before, 0)) })
	}
	s := stackOf(t, bottom)
	inUnion(t, s, func(root string) {
		require.NoError(t, os.Chmod(root+"/d/f", 0o600))
		require.Error(t, os.Rename(root+"/d", root+"/e"), "a directory from below isn't moved by a note of where it was")
	})
	require.Equal(t, strings.Repeat("x", 5000), slurp(t, s.Upper+"/d/f"), "the content is copied up with the mode")
	require.Equal(t, []string{"work"}, names(t, s.Work), "and there is no index")
}
