package images

import (
	"os"
	"os/exec"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// S40: a layer holds setuid programs, old ones too. A user of the host who could
// start them would be root by the hole that was mended in the host's own.
func TestNoUserOfTheHostReachesALayer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	notrace.NeedTool(t, "setpriv")
	dir, err := os.MkdirTemp("", "cooper-store-") // t.TempDir is private itself
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	require.NoError(t, os.Chmod(dir, 0o755))
	s, err := OpenStore(dir + "/images")
	require.NoError(t, err)
	img := put(t, s, "a", nil, "x=1")
	asNobody := func() string {
		out, _ := exec.Command("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "cat", s.LayerDirs(img)[0]+"/x").CombinedOutput()
		return string(out)
	}
	require.Contains(t, asNobody(), "Permission denied")

	require.NoError(t, os.Chmod(s.Dir(), 0o755))
	require.Contains(t, asNobody(), "Permission denied", "there is a second wall")
	require.NoError(t, os.Chmod(s.path("layers"), 0o755))
	require.Equal(t, "1", asNobody(), "without the walls, nothing else stops them")
}
