package cli

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// webServer is one in what Debian's smallest system has: perl.
const webServer = `
use IO::Socket::INET; $| = 1;
my $listen = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die $!;
print "listening\n";
while (my $client = $listen->accept) {
	my $request = <$client>;
	print "served $request";
	open(my $page, "<", "/srv/page");
	print $client "HTTP/1.0 200 OK\r\n\r\n", <$page>;
	close $client;
}`

// TestTheMainJob is what the engine is for: a Debian system of the real tools'
// making goes from a registry into a container with a published port, a volume
// and limits, is looked into, changed, stopped, committed and pushed, and runs
// from that push in another engine.
func TestTheMainJob(t *testing.T) {
	notrace.NeedTool(t, "debootstrap", "skopeo", "podman", "docker-registry", "tar")
	h := newHost(t)
	registry := registrytest.Start(t)
	system := debian(t)
	tool(t, "skopeo", "copy", "--dest-tls-verify=false", "tarball:"+system, "docker://"+registry+"/debian:bookworm")
	name := registry + "/debian:bookworm"

	out := h.ok("pull", name)
	require.True(t, strings.HasSuffix(out, "\n"+name), out)
	require.Contains(t, out, "Digest: sha256:")

	h.ok("volume", "create", "pages")
	h.ok("run", "-d", "--name", "web", "-p", "127.0.0.1::8080", "-v", "pages:/srv", "-e", "GREETING=hello",
		"-m", "128m", "--cpus", "1", "--pids-limit", "50", name, "perl", "-e", webServer)
	require.Equal(t, "listening\n", firstLine(t, h, "logs", "-f", "web"))

	h.ok("exec", "web", "sh", "-c", `echo "$GREETING from Debian $(cat /etc/debian_version)" > /srv/page`)
	version := h.ok("exec", "web", "cat", "/etc/debian_version")
	require.Regexp(t, `^12\.\d+$`, version)
	require.Equal(t, "hello from Debian "+version+"\n", get(t, h.ok("port", "web", "8080/tcp")))
	require.Contains(t, h.ok("logs", "web"), "served GET / HTTP/1.0")
	page, err := os.ReadFile(filepath.Join(h.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "pages"), "page"))
	require.NoError(t, err)
	require.Equal(t, "hello from Debian "+version+"\n", string(page))
	require.Equal(t, "134217728 50", h.ok("inspect", "-f", "{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}}", "web"))

	h.ok("exec", "web", "sh", "-c", "echo changed > /etc/motd; rm /etc/issue; ln /etc/motd /etc/motd.2; mkdir -m 1777 /made; chown 33:33 /made")
	require.Equal(t, "web", h.ok("stop", "-t", "1", "web"))
	require.Regexp(t, `^Exited \(1\d\d\)`, h.ok("ps", "-a", "--format", "{{.Status}}"))

	changed := registry + "/debian:changed"
	h.ok("commit", "-m", "changed the message of the day", "web", changed)
	require.Contains(t, h.ok("push", changed), "sha256:")
	h.ok("rm", "-v", "web")
	h.ok("volume", "rm", "pages")

	require.Equal(t, "changed\nchanged\n1777 33 33 /made\nno issue\n", inPodman(t, changed, "sh", "-c",
		"cat /etc/motd /etc/motd.2; stat -c '%a %u %g %n' /made; test -e /etc/issue || echo no issue"))
	for _, image := range []string{changed, name} {
		h.ok("rmi", image)
	}
}

// firstLine runs a line that doesn't end by itself, until it says something.
func firstLine(t *testing.T, h *host, line ...string) string {
	command := h.command(line...)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	first, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, command.Process.Kill())
	_, _ = io.Copy(io.Discard, output)
	_ = command.Wait()
	return first
}

func tool(t *testing.T, line ...string) string {
	t.Helper()
	command := exec.Command(line[0], line[1:]...)
	var stderr strings.Builder
	command.Stderr = &stderr
	out, err := command.Output()
	require.NoError(t, err, "%q: %s", line, stderr.String())
	return string(out)
}

// debian returns the tar of a minimal Debian. debootstrap takes a minute, so
// it is made once for this machine and kept with what other programs cache.
func debian(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "cooper-test")
	system := filepath.Join(dir, "debian-bookworm-minbase.tar")
	if _, err := os.Stat(system); err == nil {
		return system
	}
	require.NoError(t, os.MkdirAll(dir, 0o700))
	work := t.TempDir()
	tool(t, "debootstrap", "--variant=minbase", "bookworm", filepath.Join(work, "debian"))
	tool(t, "tar", "-C", filepath.Join(work, "debian"), "--one-file-system", "-cf", system+".part", ".")
	require.NoError(t, os.Rename(system+".part", system))
	return system
}

// inPodman runs a command in an image of the registry with podman: with a
// store of its own, and with what a host without systemd and without the right
// to raise limits asks for.
func inPodman(t *testing.T, image string, command ...string) string {
	t.Helper()
	dir := t.TempDir()
	line := []string{"podman", "--root", filepath.Join(dir, "root"), "--runroot", filepath.Join(dir, "run"), "--tmpdir", filepath.Join(dir, "tmp"),
		"--cgroup-manager", "cgroupfs", "--runtime", "runc", "run", "--rm", "--tls-verify=false", "--network", "none",
		"--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", image}
	t.Cleanup(func() {
		_ = unix.Unmount(filepath.Join(dir, "root", "overlay"), 0)
		removeGroups(t, "/sys/fs/cgroup/*/libpod_parent", "/sys/fs/cgroup/libpod_parent")
	})
	return tool(t, append(line, command...)...)
}

// removeGroups removes the empty cgroups that podman leaves behind.
func removeGroups(t *testing.T, patterns ...string) {
	for _, pattern := range patterns {
		tops, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, top := range tops {
			_ = exec.Command("find", top, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";").Run()
		}
	}
}
