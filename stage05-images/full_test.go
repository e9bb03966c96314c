package images

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAFullDiskStopsAPullAndIsFreedAgain(t *testing.T) {
	notrace.Check(t)
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	s, err := OpenStore(dir)
	require.NoError(t, err)
	f := madeImage(t, []string{"x=1"}, []string{"big=" + noise(3_000_000)})
	server := serve(t, f, nil)
	before := contents(t, s)
	_, err = Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.ErrorIs(t, err, unix.ENOSPC)
	require.Equal(t, before, contents(t, s))

	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, "size=20m"))
	_, err = Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	img, err := s.Find(server.host() + "/x:1")
	require.NoError(t, err, "a store that can't be written can be read")
	require.NoError(t, s.Unpack(context.Background(), img))
	_, err = OpenStore(dir)
	require.NoError(t, err)
	_, err = s.Remove(server.host()+"/x:1", false)
	require.ErrorIs(t, err, unix.EROFS)
}

// Whoever has a full disk wants to remove something. That mustn't need space.
func TestAnImageIsRemovedFromAFullDisk(t *testing.T) {
	notrace.Check(t)
	for _, kind := range []string{"tmpfs", "ext4"} {
		t.Run(kind, func(t *testing.T) {
			s, err := OpenStore(smallDisk(t, kind))
			require.NoError(t, err)
			long := func(i int) string { return fmt.Sprintf("%s:%d", strings.Repeat("x", 200), i) }
			img := put(t, s, "base", nil, "x=1")
			for i := range 16 { // until the index has several pages
				require.NoError(t, s.Tag("base", fmt.Sprintf("short:%d", i)))
				require.NoError(t, s.Tag("base", long(i)))
				fill(t, s.path("filler"))
				_, err := s.Remove(fmt.Sprintf("short:%d", i), false)
				require.NoError(t, err, "what is left is longer than the index was before the last name")
				require.NoError(t, os.Remove(s.path("filler")))
			}
			fill(t, s.path("filler"))
			for i := range 16 {
				_, err := s.Remove(long(i), false)
				require.NoError(t, err)
			}
			_, err = s.Remove("base", false)
			require.NoError(t, err)
			require.False(t, s.Has(img.ID))
			require.NoError(t, os.Remove(s.path("filler")))
			put(t, s, "a", nil, "x=1")
		})
	}
}

// smallDisk is a filesystem of 8 MB, without the part that ext4 keeps for root.
func smallDisk(t *testing.T, kind string) (dir string) {
	dir = t.TempDir()
	if kind == "tmpfs" {
		require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"))
	} else {
		image := filepath.Join(t.TempDir(), "disk")
		tool(t, "truncate", "-s", "8M", image)
		tool(t, "mke2fs", "-q", "-t", "ext4", "-m", "0", image)
		tool(t, "mount", "-o", "loop", image, dir)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	return dir
}

// fill leaves not a single block free.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	require.NoError(t, err)
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, unix.ENOSPC)
	require.NoError(t, file.Sync())
}
