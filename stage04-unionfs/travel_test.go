package unionfs

import (
	"bytes"
	"context"
	"cooper/stage01-namespaces/notrace"
	"cooper/stage03-rootfs/busyroot"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What a container did, taken as a layer and laid over the same image, is what
// the container saw; and what Apply makes of the layer is what Diff took it from.
func TestAContainersChangesTravelAsALayer(t *testing.T) {
	notrace.Check(t)
	base := busyroot.New(t)
	app := applied(t, dir("opt/"), dir("opt/tree/"), file("opt/tree/a", "a"), file("opt/tree/b", "b"), dir("opt/gone/"), file("opt/gone/x", ""),
		file("opt/file", "content"), hardlink("opt/file2", "opt/file"), symlink("opt/link", "file"), file("opt/was-file", ""), dir("opt/was-dir/"), file("opt/was-dir/x", ""))
	s := stackOf(t, app, base)
	shell(t, s, `
		cd /opt
		echo more >> file
		rm -r gone && rm -r tree && mkdir tree && echo new > tree/c
		rm was-file && mkdir was-file && touch was-file/x
		rm -r was-dir && ln -s nowhere was-dir
		mkdir new && ln file new/hard && mkfifo new/pipe && chmod 4750 new/hard
		chown 12:34 link -h && chmod 700 /root && touch -d "1969-07-20 20:17:40" new/moon
		dd if=/dev/zero of=new/sparse bs=1 seek=100000 count=1 2>/dev/null
		mv /home/alice /home/bob
		head -c 300000 /dev/urandom > new/noise
		mkdir -p /deep/er/and/er && chmod 1777 /deep
	`)
	require.NoError(t, unix.Setxattr(s.Upper+"/opt/new/noise", "user.note", []byte("kept"), 0))
	listener, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(listener)
	socket := s.Upper + "/opt/new/sock"
	require.NoError(t, unix.Bind(listener, &unix.SockaddrUnix{Name: socket}))
	modified := lstat(t, s.Upper+"/opt/new").Mtim

	var layer, again bytes.Buffer
	require.NoError(t, Diff(&layer, s.Upper))
	require.NoError(t, Diff(&again, s.Upper))
	require.True(t, bytes.Equal(layer.Bytes(), again.Bytes()), "the same directory gives the same bytes")

	require.NoError(t, os.Remove(socket)) // sockets don't travel
	require.NoError(t, unix.UtimesNanoAt(unix.AT_FDCWD, s.Upper+"/opt/new", []unix.Timespec{modified, modified}, 0))
	layerDir := filepath.Join(t.TempDir(), "layer")
	require.NoError(t, Apply(context.Background(), layerDir, bytes.NewReader(layer.Bytes())))
	require.NotContains(t, census(t, layerDir), "sock")
	require.Equal(t, census(t, s.Upper), census(t, layerDir))

	var saw, sees string
	inUnion(t, s, func(root string) { saw = census(t, root) })
	inUnion(t, stackOf(t, layerDir, app, base), func(root string) { sees = census(t, root) })
	require.Equal(t, saw, sees)
}
