package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnImageThatTheDiskHasDamagedIsFoundAndMendedByAPull(t *testing.T) {
	h := newImageHost(t)
	name := h.registry + "/base:latest"
	h.ok("pull", "-q", name)
	h.ok("rmi", "base")
	require.Equal(t, name+": whole", h.ok("image", "check"))
	for _, blob := range []string{h.layerBlob(t, name), h.ok("image", "inspect", "-f", "{{.Id}}", name)} {
		path := filepath.Join(h.root, "images", "blobs", strings.Replace(blob, ":", "/", 1))
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(path, data, 0o600))

		r := h.cooper("image", "check", "-q")
		require.Equal(t, 1, r.code)
		require.Empty(t, r.stdout)
		require.Contains(t, r.stderr, blob)
		require.Contains(t, r.stderr, "pull the image again")
		require.Equal(t, 1, h.cooper("image", "check", name).code)

		h.ok("pull", "-q", name)
		require.Empty(t, h.ok("image", "check", "-q", name))
	}
	require.NotZero(t, h.cooper("image", "check", "nothing").code)
	h.ok("tag", name, "base")
	h.ok("rmi", name)
	require.Equal(t, h.pristine, h.store(t))
}
