package images

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A dockerd is a Docker of the test's own, for what needs no network: it lives
// in a directory and ends with the test.
type dockerd struct {
	t      testing.TB
	socket string
}

func startDocker(t testing.TB) *dockerd {
	t.Helper()
	notrace.NeedTool(t, "docker", "dockerd")
	notrace.Check(t)
	dir, err := os.MkdirTemp("", "d") // containerd takes no long path
	require.NoError(t, err)
	d := &dockerd{t, filepath.Join(dir, "s")}
	var log bytes.Buffer
	daemon := exec.Command("dockerd", "--data-root", filepath.Join(dir, "data"), "--exec-root", filepath.Join(dir, "exec"),
		"--pidfile", filepath.Join(dir, "pid"), "-H", "unix://"+d.socket, "--bridge", "none", "--iptables=false", "--storage-driver", "overlay2")
	daemon.Stdout, daemon.Stderr = &log, &log
	require.NoError(t, daemon.Start())
	ended := make(chan error, 1)
	go func() { ended <- daemon.Wait() }()
	t.Cleanup(func() {
		_ = daemon.Process.Signal(unix.SIGTERM) // it ends its containerd too
		<-ended
		for _, mount := range []string{"data", "exec/netns/default"} { // it may leave a bind mount on either
			_ = unix.Unmount(filepath.Join(dir, mount), 0)
		}
		require.NoError(t, os.RemoveAll(dir))
	})
	require.Eventually(t, func() bool {
		return d.command("version").Run() == nil
	}, 30*time.Second, 50*time.Millisecond, "dockerd doesn't answer: %s", &log)
	return d
}

func (d *dockerd) command(line ...string) *exec.Cmd {
	command := exec.Command("docker", line...)
	command.Env = append(os.Environ(), "DOCKER_HOST=unix://"+d.socket)
	return command
}

// run returns what a command prints.
func (d *dockerd) run(line ...string) string {
	d.t.Helper()
	var stderr bytes.Buffer
	command := d.command(line...)
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(d.t, err, "docker %q: %s", line, &stderr)
	return string(bytes.TrimSpace(out))
}

func TestDockerLoadsWhatIsSavedAndSavesWhatIsLoaded(t *testing.T) {
	docker := startDocker(t)
	here := newStore(t)
	base := put(t, here, "base:1", nil, "x=1")
	top := put(t, here, "127.0.0.1:5000/top:2", base, "x=2", "y=3")
	archive := filepath.Join(t.TempDir(), "archive.tar")
	require.NoError(t, os.WriteFile(archive, saved(t, here, "base:1", "127.0.0.1:5000/top:2"), 0o600))
	require.Equal(t, "Loaded image: base:1\nLoaded image: 127.0.0.1:5000/top:2", docker.run("load", "-i", archive))
	require.Equal(t, top.ID.String(), docker.run("inspect", "-f", "{{.Id}}", "127.0.0.1:5000/top:2"))
	require.Equal(t, "["+top.Config.RootFS.DiffIDs[0].String()+" "+top.Config.RootFS.DiffIDs[1].String()+"]",
		docker.run("inspect", "-f", "{{.RootFS.Layers}}", top.ID.String()))

	again := filepath.Join(t.TempDir(), "again.tar")
	docker.run("save", "-o", again, "base:1", "127.0.0.1:5000/top:2", base.ID.String())
	there := newStore(t)
	list := loaded(t, there, must(os.ReadFile(again)))
	require.ElementsMatch(t, []string{base.ID.String(), top.ID.String()}, []string{list[0].ID.String(), list[1].ID.String()})
	img, err := there.Find("127.0.0.1:5000/top:2")
	require.NoError(t, err)
	require.Equal(t, must(here.readBlob(top.ID)), must(there.readBlob(img.ID)))
	require.Equal(t, "2", readLayerFile(t, there, img, "x"))
	require.NoError(t, os.WriteFile(archive, saved(t, there, "127.0.0.1:5000/top:2"), 0o600))
	docker.run("load", "-i", archive)
	require.Equal(t, top.ID.String(), docker.run("inspect", "-f", "{{.Id}}", "127.0.0.1:5000/top:2"), "plain layers too")
}

// podman is a command line of one with a store of the test's own.
func podman(t testing.TB) func(line ...string) string {
	t.Helper()
	notrace.Check(t)
	dir, err := os.MkdirTemp("", "p") // podman takes no long path
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = unix.Unmount(filepath.Join(dir, "root", "overlay"), 0)
		require.NoError(t, os.RemoveAll(dir))
	})
	return func(line ...string) string {
		t.Helper()
		return tool(t, "podman", append([]string{"--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--tmpdir", filepath.Join(dir, "tmp")}, line...)...)
	}
}

func TestPodmanAndSkopeoLoadWhatIsSavedAndSaveWhatIsLoaded(t *testing.T) {
	pod := podman(t)
	here := newStore(t)
	img := put(t, here, "app:1", put(t, here, "base:1", nil, "x=1"), "x=2")
	dir := t.TempDir()
	archive := filepath.Join(dir, "archive.tar")
	require.NoError(t, os.WriteFile(archive, saved(t, here, "app:1"), 0o600))
	pod("load", "-q", "-i", archive)
	require.Contains(t, pod("images", "-q", "--no-trunc"), img.ID)
	tool(t, "skopeo", "copy", "-q", "docker-archive:"+archive, "dir:"+filepath.Join(dir, "docker"))
	tool(t, "skopeo", "copy", "-q", "oci-archive:"+archive+":app:1", "oci-archive:"+filepath.Join(dir, "skopeo-oci.tar")+":app:1")
	tool(t, "skopeo", "copy", "-q", "oci-archive:"+archive+":app:1", "docker-archive:"+filepath.Join(dir, "skopeo-docker.tar")+":app:1")
	pod("save", "-q", "--format", "oci-archive", "-o", filepath.Join(dir, "podman-oci.tar"), "docker.io/library/app:1")
	pod("save", "-q", "--format", "docker-archive", "-o", filepath.Join(dir, "podman-docker.tar"), "docker.io/library/app:1")

	for _, name := range []string{"skopeo-oci.tar", "podman-oci.tar", "podman-docker.tar", "skopeo-docker.tar"} {
		there := newStore(t)
		list := loaded(t, there, must(os.ReadFile(filepath.Join(dir, name))))
		require.Equal(t, []string{"app:1"}, list[0].Names, name)
		found, err := there.Find("app:1")
		require.NoError(t, err)
		require.Equal(t, img.Config.RootFS.DiffIDs, found.Config.RootFS.DiffIDs, name)
		require.Equal(t, "2", readLayerFile(t, there, found, "x"))
		if name != "skopeo-docker.tar" { // skopeo writes the configuration anew from one format to the other
			require.Equal(t, img.ID, found.ID, name)
		}
		require.NoError(t, there.Unpack(context.Background(), found))
	}
}
