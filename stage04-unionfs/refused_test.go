package unionfs

import (
	"os"
	"path/filepath"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
	"cooper/stage03-rootfs/busyroot"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAnImpossibleStackIsRefusedBeforeAnythingIsMade(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Spec)
		says   string
	}{
		"work without upper":   {func(s *Spec) { s.Upper = "" }, "needs both or none"},
		"upper over nothing":   {func(s *Spec) { s.Lower = nil }, "lies over nothing"},
		"one and no upper":     {func(s *Spec) { s.Upper, s.Work, s.Lower = "", "", s.Lower[:1] }, "no union"},
		"a relative directory": {func(s *Spec) { s.Lower[1] = "b" }, `"b": give an absolute path`},
		"the host's root":      {func(s *Spec) { s.Upper = "/tmp/.." }, "can't take a container's changes"},
		"a NUL byte":           {func(s *Spec) { s.Upper = "/a\x00b" }, "give an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			s := stackOf(t, "/a", "/b")
			s.Args = []string{"true"}
			c.change(s)
			require.ErrorContains(t, s.Validate(), c.says)
			require.NoDirExists(t, filepath.Dir(s.Rootfs))
		})
	}
}

func TestAMissingLowerDirectoryFailsTheStepAndNamesIt(t *testing.T) {
	notrace.Check(t)
	s := stackOf(t, "/no/such/layer", busyroot.New(t))
	s.Args = []string{"/bin/true"}
	p := &namespaces.Process{}
	_, err := namespaces.Foreground(p, Outside(s, p))
	var step *namespaces.StepError
	require.ErrorAs(t, err, &step)
	require.Equal(t, "unionfs/overlay", step.Step)
	require.ErrorIs(t, err, unix.ENOENT)
	require.ErrorContains(t, err, "/no/such/layer")
}

func TestAStackThatTheKernelRefusesSaysWhatToLookAt(t *testing.T) {
	notrace.Check(t)
	for name, change := range map[string]func(*Spec){
		"work inside upper":          func(s *Spec) { s.Work = s.Upper + "/work" },
		"work on another filesystem": func(s *Spec) { s.Work = t.TempDir() + "/tmpfs/work" },
	} {
		s := stackOf(t, t.TempDir(), t.TempDir())
		change(s)
		inOwnMounts(t, func() {
			if other := filepath.Dir(s.Work); filepath.Base(other) == "tmpfs" {
				require.NoError(t, os.Mkdir(other, 0o755))
				require.NoError(t, unix.Mount("tmpfs", other, "tmpfs", 0, ""))
			}
			err := mountOverlay(s)
			require.ErrorIs(t, err, unix.EINVAL, name)
			require.ErrorContains(t, err, "upper and work on one filesystem", name)
		})
	}
}
