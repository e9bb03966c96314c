package cli

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// serving runs "cooper registry serve" until the test ends, behind whatever
// stands in front, and returns the line that it printed.
func serving(t *testing.T, h *host, front []string, line ...string) (said string, end func() int) {
	t.Helper()
	words := slices.Concat(front, []string{h.program, "registry", "serve"}, line)
	command := exec.Command(words[0], words[1:]...)
	command.Env, command.Stderr = h.env, os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	end = func() int {
		_ = command.Process.Signal(unix.SIGTERM)
		_ = command.Wait()
		return command.ProcessState.ExitCode()
	}
	t.Cleanup(func() { end() })
	said, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(said), end
}

// A machine is a network namespace that a process keeps.
type machine struct{ pid string }

func newMachine(t *testing.T) machine {
	t.Helper()
	keeper := exec.Command("unshare", "--net", "sleep", "infinity")
	require.NoError(t, keeper.Start())
	t.Cleanup(func() {
		_ = keeper.Process.Kill()
		_ = keeper.Wait()
	})
	own, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	m := machine{strconv.Itoa(keeper.Process.Pid)}
	require.Eventually(t, func() bool {
		its, err := os.Readlink("/proc/" + m.pid + "/ns/net")
		return err == nil && its != own
	}, 10*time.Second, time.Millisecond)
	return m
}

func (m machine) front() []string { return []string{"nsenter", "--net=/proc/" + m.pid + "/ns/net"} }

func (m machine) up(t *testing.T, address string) {
	t.Helper()
	for _, line := range []string{"link set lo up", "address add " + address + " dev wire", "link set wire up"} {
		tool(t, slices.Concat(m.front(), []string{"ip"}, strings.Fields(line))...)
	}
}

func (m machine) run(t *testing.T, h *host, line ...string) {
	t.Helper()
	words := slices.Concat(m.front(), []string{h.program}, line)
	command := exec.Command(words[0], words[1:]...)
	command.Env = h.env
	r := h.finish(command)
	require.Zero(t, r.code, r.stderr)
}

func TestTwoMachinesExchangeImagesWithNothingElse(t *testing.T) {
	h := newHost(t)
	notrace.NeedTool(t, "ip")
	here, there := newMachine(t), newMachine(t)
	tool(t, "ip", "link", "add", "wire", "netns", here.pid, "type", "veth", "peer", "name", "wire", "netns", there.pid)
	here.up(t, "192.0.2.1/24")
	there.up(t, "192.0.2.2/24")
	said, end := serving(t, h, here.front(), "--listen", "192.0.2.1:5000", "--insecure")
	require.Equal(t, "Serving "+h.root+"/registry at http://192.0.2.1:5000: whoever reaches it may pull and push", said)

	h.ok("tag", "base", "192.0.2.1:5000/me/base:1")
	here.run(t, h, "push", "--insecure", "192.0.2.1:5000/me/base:1")
	other := []string{"--root", t.TempDir(), "--run", t.TempDir()}
	there.run(t, h, append(other, "pull", "--insecure", "192.0.2.1:5000/me/base:1")...)
	require.Equal(t, h.ok("images", "-q", "--no-trunc", "base"), h.ok(append(other, "images", "-q", "--no-trunc")...))
	require.Zero(t, end())
}

func TestARegistryAsksForALoginAndServesTheEnginesOwnImages(t *testing.T) {
	h := newHost(t)
	users, config := filepath.Join(t.TempDir(), "users"), t.TempDir()
	// bcrypt of "barrel", as htpasswd -B writes it.
	require.NoError(t, os.WriteFile(users, []byte("cooper:$2b$04$abcdefghijklmnopqrstuuM9QCoX9m2LVGh7i8ik4jWLjQDZ2K8wa\n"), 0o600))
	said, _ := serving(t, h, nil, "--listen", "127.0.0.1:0", "--dir", filepath.Join(h.root, "images"), "--read-only", "--htpasswd", users)
	require.Regexp(t, ": whoever logs in may pull$", said)
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(said)
	h.env = append(h.env, "DOCKER_CONFIG="+config)
	r := h.cooper("pull", address+"/base")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "not authorized")
	require.NoError(t, os.WriteFile(filepath.Join(config, "config.json"), []byte(`{"auths": {"`+address+`": {"auth": "Y29vcGVyOmJhcnJlbA=="}}}`), 0o600))
	h.ok("--root", t.TempDir(), "pull", address+"/base")
	h.ok("tag", "base", address+"/more")
	require.Contains(t, h.cooper("push", address+"/more").stderr, "can only be read")
}

func TestAUserServesADirectoryOfTheirOwn(t *testing.T) {
	h := newHost(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(h.program), 0o755))
	require.NoError(t, os.Chown(dir, 65534, 65534))
	for at := dir; at != "/tmp" && at != "/"; at = filepath.Dir(at) {
		require.NoError(t, os.Chmod(at, 0o755))
	}
	command := h.command("registry", "serve", "--listen", "127.0.0.1:0")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	r := h.finish(command)
	require.Equal(t, result{1, "", "cooper: cooper must be run as root: put sudo in front, or give a directory of yours as --dir\n"}, r)
	said, end := serving(t, h, []string{"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"}, "--listen", "127.0.0.1:0", "--dir", dir)
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(said)
	h.ok("tag", "base", address+"/base")
	h.ok("push", address+"/base")
	require.Zero(t, end())
}

func TestAWrongLineOfServeSaysWhatToWrite(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		line   string
		code   int
		stderr string
	}{
		{"--listen 0.0.0.0:0", 125, "give --tls-cert and --tls-key, or --insecure"},
		{"--listen :5000", 125, "--insecure"},
		{"--listen 5000", 1, "such as 127.0.0.1:5000"},
		{"--tls-cert x", 125, "go together"},
		{"--tls-cert x --tls-key y", 1, "read the certificate: open x"},
		{"--htpasswd /nonexistent", 1, "/nonexistent"},
		{"--htpasswd /etc/hostname", 1, "htpasswd -B"},
		{"--dir " + h.root + "/images", 125, "add --read-only"},
		{"--read-only", 1, "holds no images"},
		{"extra", 125, "takes no arguments"},
	} {
		r := h.cooper(append([]string{"registry", "serve"}, strings.Fields(c.line)...)...)
		require.Equal(t, c.code, r.code, c.line)
		require.Contains(t, r.stderr, c.stderr, c.line)
		require.Empty(t, r.stdout)
	}
	require.NoDirExists(t, filepath.Join(h.root, "registry"))
}
