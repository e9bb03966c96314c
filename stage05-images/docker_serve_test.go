package images

import (
	"bufio"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// serving runs the stage's program as a registry in a directory, and returns
// its address. The package server can't be imported here: it stands on this one.
func serving(t testing.TB, dir string) (host string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), "stage05")
	out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./cmd/stage05").CombinedOutput()
	require.NoError(t, err, string(out))
	server := exec.Command(program, "serve", "--listen", "127.0.0.1:0", dir)
	said, err := server.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		_ = server.Process.Signal(unix.SIGTERM)
		require.NoError(t, server.Wait())
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	require.NoError(t, err)
	return regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(line)
}

func TestDockerPushesToOurRegistryAndPullsFromIt(t *testing.T) {
	d := startDocker(t)
	dir := t.TempDir()
	host := serving(t, dir)
	mine := newStore(t)
	base := put(t, mine, "base", nil, "x="+noise(3_000_000))
	img := put(t, mine, host+"/me/app:1", base, "y=2")
	_, err := Push(context.Background(), mine, host+"/me/app:1", PushOptions{})
	require.NoError(t, err)
	d.run("pull", host+"/me/app:1")
	require.Equal(t, img.ID.String(), strings.TrimSpace(d.run("images", "-q", "--no-trunc")))

	d.run("tag", host+"/me/app:1", host+"/from/docker:2")
	d.run("push", host+"/from/docker:2")
	got, err := Pull(context.Background(), newStore(t), host+"/from/docker:2", PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, got.ID)
	own, err := OpenStore(dir)
	require.NoError(t, err)
	found, err := own.Find("from/docker:2")
	require.NoError(t, err)
	require.Equal(t, img.ID, found.ID)
}
