package images

import (
	"context"
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
