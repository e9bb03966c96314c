package cli

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The places of /etc/hosts and the like, which an image needn't have, are none
// of the container's doing: diff doesn't list them and commit leaves them out.
func TestDiffListsWhatTheContainerChangedAndNothingOfOurs(t *testing.T) {
	h := newHost(t)
	h.ok("create", "--name", "fresh", "base")
	require.Empty(t, h.ok("diff", "fresh"))
	h.ok("run", "--name", "c", "--network", "none", "base", "sh", "-c", "echo x > /etc/note; mkdir -p /srv/new; rm /etc/passwd")
	require.Equal(t, "C /etc\nA /etc/note\nD /etc/passwd\nA /srv\nA /srv/new", h.ok("container", "diff", "c"))
	h.ok("commit", "c", "made")
	made, err := filepath.Glob(filepath.Join(h.root, "images", "layers", "*", "etc", "hosts"))
	require.NoError(t, err)
	require.Empty(t, made)
	h.ok("run", "--name", "c2", "--network", "none", "made", "true")
	require.Empty(t, h.ok("diff", "c2"))
	require.Equal(t, 1, h.cooper("diff", "nosuch").code)
}
