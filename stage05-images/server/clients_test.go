package server

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"
	images "cooper/stage05-images"

	"github.com/stretchr/testify/require"
)

func tool(t testing.TB, name string, args ...string) string {
	t.Helper()
	notrace.NeedTool(t, name)
	out, err := exec.Command(name, args...).CombinedOutput()
	require.NoError(t, err, "%s %s\n%s", name, strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

func newStore(t testing.TB) *images.Store {
	t.Helper()
	s, err := images.OpenStore(t.TempDir())
	require.NoError(t, err)
	return s
}

func TestTwoStoresExchangeImagesThroughIt(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	mine, yours := newStore(t), newStore(t)
	img := newImage(t, mine, s.host+"/me/app:1", "etc/motd", "hello")
	_, err := images.Push(context.Background(), mine, s.host+"/me/app:1", images.PushOptions{})
	require.NoError(t, err)
	got, err := images.Pull(context.Background(), yours, s.host+"/me/app:1", images.PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, got.ID)
	require.Equal(t, img.Descriptor.Digest, got.Descriptor.Digest)
	content, err := os.ReadFile(filepath.Join(yours.LayerDirs(got)[0], "etc/motd"))
	require.NoError(t, err)
	require.Equal(t, "hello", string(content))
}

func TestTheRegistrysDirectoryIsAnImageLayout(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	mine := newStore(t)
	img := newImage(t, mine, s.host+"/me/app:1", "etc/motd", "hello")
	_, err := images.Push(context.Background(), mine, s.host+"/me/app:1", images.PushOptions{})
	require.NoError(t, err)

	own, err := images.OpenStore(s.dir)
	require.NoError(t, err)
	found, err := own.Find("me/app:1")
	require.NoError(t, err)
	require.Equal(t, img.ID, found.ID)
	require.NoError(t, own.Unpack(context.Background(), found))
	copied := t.TempDir()
	tool(t, "skopeo", "copy", "-q", "oci:"+s.dir+":me/app:1", "oci:"+copied+":x")
	require.Contains(t, tool(t, "umoci", "stat", "--image", s.dir+":me/app:1"), img.Manifest.Layers[0].Digest)

	// And what another program writes into it while we serve is served.
	tool(t, "skopeo", "copy", "-q", "oci:"+copied+":x", "oci:"+s.dir+":their/app:2")
	require.Equal(t, img.Descriptor.Digest.String(), s.do("HEAD", "/v2/their/app/manifests/2", "").want(t, 200).Header.Get("Docker-Content-Digest"))
	require.JSONEq(t, `{"repositories": ["me/app", "their/app"]}`, s.do("GET", "/v2/_catalog", "").body)
}

func TestAnyLayoutCanBeServedToBeRead(t *testing.T) {
	mine := newStore(t)
	img := newImage(t, mine, "debian:12", "etc/motd", "hello")
	require.NoError(t, mine.Tag("debian:12", "127.0.0.1:5000/me/app:1"))
	before := tool(t, "find", mine.Dir(), "-printf", "%p %T@ %s\n")
	reg, err := images.OpenRegistry(mine.Dir(), true)
	require.NoError(t, err)
	s := run(t, &Handler{Registry: reg, Fault: func(err error) { t.Error(err) }}, nil)

	for _, name := range []string{"/debian:12", "/me/app:1"} {
		got, err := images.Pull(context.Background(), newStore(t), s.host+name, images.PullOptions{})
		require.NoError(t, err)
		require.Equal(t, img.ID, got.ID)
	}
	require.JSONEq(t, `{"name": "debian", "tags": ["12"]}`, s.do("GET", "/v2/debian/tags/list", "").body)
	s.do("HEAD", "/v2/debian/blobs/"+img.ID.String(), "").want(t, 200)
	manifest := s.do("GET", "/v2/debian/manifests/12", "").body
	for _, refused := range []answer{
		s.do("POST", "/v2/debian/blobs/uploads/", ""),
		s.do("POST", "/v2/x/blobs/uploads/?from=debian&mount="+img.ID.String(), ""),
		s.put("debian", "13", manifest),
		s.do("DELETE", "/v2/debian/manifests/12", ""),
		s.do("DELETE", "/v2/debian/blobs/"+img.ID.String(), ""),
	} {
		refused.want(t, 405, images.Unsupported)
	}
	require.NoError(t, s.stop())
	require.Equal(t, before, tool(t, "find", mine.Dir(), "-printf", "%p %T@ %s\n"), "nothing was written")

	_, err = images.OpenRegistry(t.TempDir(), true)
	require.ErrorContains(t, err, "holds no images")
}

func TestSkopeoCopiesInAndOutAndDeletes(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	mine := newStore(t)
	newImage(t, mine, "x:1", "etc/motd", "hello")
	tool(t, "skopeo", "copy", "-q", "--dest-tls-verify=false", "oci:"+mine.Dir()+":x:1", "docker://"+s.host+"/me/app:1")
	tool(t, "skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+s.host+"/me/app:1", "docker://"+s.host+"/you/app:2")
	tool(t, "skopeo", "copy", "-q", "--format", "v2s2", "--src-tls-verify=false", "--dest-tls-verify=false", "docker://"+s.host+"/me/app:1", "docker://"+s.host+"/me/app:docker")
	require.Contains(t, tool(t, "skopeo", "list-tags", "--tls-verify=false", "docker://"+s.host+"/me/app"), `"docker"`)
	for _, name := range []string{"/me/app:1", "/you/app:2", "/me/app:docker"} {
		img, err := images.Pull(context.Background(), newStore(t), s.host+name, images.PullOptions{})
		require.NoError(t, err, name)
		require.Len(t, img.Manifest.Layers, 1)
	}
	tool(t, "skopeo", "delete", "--tls-verify=false", "docker://"+s.host+"/me/app:1")
	s.do("GET", "/v2/me/app/manifests/1", "").want(t, 404, images.ManifestUnknown)
}

func TestPodmanPushesAndPulls(t *testing.T) {
	notrace.Check(t)
	s := start(t, t.TempDir(), nil)
	mine := newStore(t)
	img := newImage(t, mine, s.host+"/me/app:1", "etc/motd", "hello")
	_, err := images.Push(context.Background(), mine, s.host+"/me/app:1", images.PushOptions{})
	require.NoError(t, err)
	dir := t.TempDir()
	podman := func(args ...string) string {
		return tool(t, "podman", append([]string{"--root", dir + "/root", "--runroot", dir + "/run", "--tmpdir", dir + "/tmp", "--storage-driver", "vfs"}, args...)...)
	}
	podman("pull", "-q", "--tls-verify=false", s.host+"/me/app:1")
	require.Equal(t, img.ID.Encoded(), podman("images", "-q", "--no-trunc")[len("sha256:"):])
	podman("tag", s.host+"/me/app:1", s.host+"/from/podman:1")
	podman("push", "-q", "--tls-verify=false", s.host+"/from/podman:1")
	got, err := images.Pull(context.Background(), newStore(t), s.host+"/from/podman:1", images.PullOptions{})
	require.NoError(t, err)
	require.Equal(t, img.ID, got.ID)
}
