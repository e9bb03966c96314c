package images

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestLayersAreSpreadOverTheDisk(t *testing.T) {
	var disk unix.Statfs_t
	require.NoError(t, unix.Statfs(t.TempDir(), &disk))
	if disk.Type != unix.EXT4_SUPER_MAGIC {
		t.Skip("only ext4 can be told")
	}
	s := newStore(t)
	dir := must(os.Open(s.path("ingest")))
	defer dir.Close()
	flags, err := unix.IoctlGetUint32(int(dir.Fd()), unix.FS_IOC_GETFLAGS)
	require.NoError(t, err)
	require.NotZero(t, flags&topDir)
	require.NoError(t, os.Mkdir(s.path("ingest", "x.tree"), 0o755))
	layer := must(os.Open(s.path("ingest", "x.tree")))
	defer layer.Close()
	flags, err = unix.IoctlGetUint32(int(layer.Fd()), unix.FS_IOC_GETFLAGS)
	require.NoError(t, err)
	require.Zero(t, flags&topDir, "what is in a layer belongs together")
}
