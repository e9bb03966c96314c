package shim

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAFrameIsReadAsItWasWritten(t *testing.T) {
	var wire bytes.Buffer
	require.NoError(t, writeFrame(&wire, stdout, []byte("hello")))
	require.NoError(t, writeFrame(&wire, stdin, nil))
	require.Equal(t, []byte{1, 0, 0, 0, 0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0, 0, 0, 0, 0, 0, 0}, wire.Bytes())
	k, payload, err := readFrame(&wire, nil)
	require.NoError(t, err)
	require.Equal(t, stdout, k)
	require.Equal(t, "hello", string(payload))
	k, payload, err = readFrame(&wire, nil)
	require.NoError(t, err)
	require.Equal(t, stdin, k)
	require.Empty(t, payload)
	_, _, err = readFrame(&wire, nil)
	require.ErrorIs(t, err, io.EOF)
}

func TestABrokenFrameIsAnError(t *testing.T) {
	huge := binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, maxFrame+1)
	_, _, err := readFrame(bytes.NewReader(huge), nil)
	require.ErrorContains(t, err, "at most")
	for _, cut := range []string{"\x01\x00", "\x01\x00\x00\x00\x00\x00\x00\x05hel"} {
		_, _, err := readFrame(strings.NewReader(cut), nil)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
}

// sun_path has room for 107 bytes; a state directory may lie deeper.
func TestTheSocketMayLieDeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	s := &supervisor{job: &Job{Socket: dir}}
	require.NoError(t, s.listen())
	info, err := os.Lstat(filepath.Join(dir, "shim.sock"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	client, err := Connect(dir)
	require.NoError(t, err)
	defer client.Close()
	require.ErrorContains(t, client.ask('?', nil), "unknown request")
	require.ErrorContains(t, client.ask(signals, []byte{1}), "four bytes")
}

func TestNobodyListensIsToldFromAnError(t *testing.T) {
	_, err := Connect(filepath.Join(t.TempDir(), "nothere"))
	require.ErrorIs(t, err, ErrGone)
	dir := t.TempDir()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(fd, &unix.SockaddrUnix{Name: filepath.Join(dir, "shim.sock")}))
	unix.Close(fd) // as a shim leaves it that was killed
	_, err = Connect(dir)
	require.ErrorIs(t, err, ErrGone)
}

// A client that goes on living but doesn't read is cut off; one that is dead
// at once.
func TestADeadClientIsForgotten(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	p := newPeer(os.NewFile(uintptr(pair[0]), "client"))
	p.wants(Attach{Stdout: true})
	var ps peers
	ps.add(p)
	require.NoError(t, unix.Close(pair[1]))
	frame := make([]byte, headerSize+1)
	putHeader(frame, stdout)
	ps.spread(stdout, frame)
	require.Empty(t, ps.all())
}
