package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheLifeOfAContainerAsItIsTold(t *testing.T) {
	h := newHost(t)
	before := h.state()
	id := h.ok("run", "-d", "--name", "web", "--network", "none", "-l", "tier=front", "base", "sleep", "1000")
	require.Regexp(t, `^[0-9a-f]{64}$`, id)

	lines := strings.Split(h.ok("ps"), "\n")
	require.Regexp(t, `^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES$`, lines[0])
	require.Regexp(t, `^`+id[:12]+` +base(:latest)? +"sleep 1000" +.* ago +Up .* +web$`, lines[1])
	require.Equal(t, id[:12], h.ok("ps", "-q"))
	require.Equal(t, id, h.ok("ps", "-q", "--no-trunc"))
	require.Equal(t, "web running tier=front", h.ok("ps", "--format", "{{.Names}} {{.State}} {{.Labels}}"))

	require.Equal(t, "web", h.ok("stop", "-t", "1", "web"))
	require.Empty(t, h.ok("ps", "-q"))
	require.Regexp(t, `^Exited \(1\d\d\) .* ago$`, h.ok("ps", "-a", "--format", "{{.Status}}"))
	require.Equal(t, "web", h.ok("start", "web"))
	require.Equal(t, id[:8], h.ok("stop", "-t", "1", id[:8]))
	require.Equal(t, "web", h.ok("rm", "web"))
	require.Equal(t, before, h.state())
}

func TestOfManyThatWantOneNameOneGetsIt(t *testing.T) {
	h := newHost(t)
	results := make(chan result)
	for range 20 {
		command := h.command("run", "--name", "same", "--network", "none", "base", "true")
		go func() { results <- h.finish(command) }()
	}
	won := 0
	for range 20 {
		r := <-results
		if r.code == 0 {
			won++
			continue
		}
		assert.Equal(t, 125, r.code, r.stderr)
		assert.Contains(t, r.stderr, "already in use")
	}
	require.Equal(t, 1, won)
	require.Equal(t, "same", h.ok("ps", "-a", "--format", "{{.Names}}"))
}

func TestManyAreDoneAndOneMissingIsTold(t *testing.T) {
	h := newHost(t)
	for _, name := range []string{"a", "b"} {
		h.ok("create", "--name", name, "--network", "none", "base", "true")
	}
	r := h.cooper("rm", "a", "nosuch", "b")
	require.Equal(t, 1, r.code)
	require.Equal(t, "a\nb\n", r.stdout)
	require.Contains(t, r.stderr, "nosuch")
	require.Empty(t, h.ok("ps", "-aq"))

	r = h.cooper("rm", "-f", "nosuch")
	require.Zero(t, r.code)
	require.Contains(t, r.stderr, "nosuch")
}

func TestTheEnvironmentComesFromTheLine(t *testing.T) {
	h := newHost(t)
	file := filepath.Join(t.TempDir(), "env")
	require.NoError(t, os.WriteFile(file, []byte("# a file\nFILE=$HOME \"as is\"\nBOTH=file\n"), 0o600))
	h.env = append(h.env, "HERE=from here")
	out := h.ok("run", "--rm", "--network", "none", "--env-file", file, "-e", "BOTH=flag", "-e", "HERE", "-e", "GONE", "-e", "LIST=1,2", "base", "env")
	env := strings.Split(out, "\n")
	require.Subset(t, env, []string{`FILE=$HOME "as is"`, "BOTH=flag", "HERE=from here", "LIST=1,2"})
	require.NotContains(t, out, "GONE")
	require.NotContains(t, out, "COOPER_ROOT", "nothing of the host's environment comes along")
}

func TestOptionsBehindTheImageBelongToTheCommand(t *testing.T) {
	h := newHost(t)
	require.Equal(t, "--rm|-it|a b|", h.ok("run", "--rm", "--network", "none", "base", "sh", "-c", `printf '%s|' "$0" "$@"`, "--rm", "-it", "a b"))
}

func TestWhatAContainerIsGivenIsWhatItSees(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		flags []string
		shell string
		want  string
	}{
		{[]string{"-w", "/tmp"}, "pwd", "/tmp"},
		{[]string{"-u", "1000:100"}, "id -u; id -g", "1000\n100"},
		{[]string{"-h", "cask"}, "hostname", "cask"},
		{[]string{"--read-only"}, "touch /x 2>/dev/null || echo refused", "refused"},
		{[]string{"--tmpfs", "/t:size=1m"}, "df -k /t | tail -1 | awk '{print $2}'", "1024"},
		{[]string{"--cap-drop", "ALL"}, "grep CapEff /proc/self/status | cut -f2", "0000000000000000"},
		{[]string{"--cap-drop=ALL", "--cap-add", "net_admin"}, "grep CapEff /proc/self/status | cut -f2", "0000000000001000"},
		{[]string{"--security-opt", "no-new-privileges"}, "grep NoNewPrivs /proc/self/status | cut -f2", "1"},
		{[]string{"--init"}, "sh -c 'sleep 0 & exec true'; echo $$ | grep -vx 1 >/dev/null && echo behind init", "behind init"},
		{[]string{"--entrypoint", "echo"}, "", "-c"},
		{[]string{"--network", "none"}, "ls /sys/class/net", "lo"},
	} {
		line := []string{"run", "--rm"}
		if c.flags[0] != "--network" {
			line = append(line, "--network", "none")
		}
		line = append(line, c.flags...)
		line = append(line, "base")
		if c.flags[0] == "--entrypoint" {
			line = append(line, "-c")
		} else {
			line = append(line, "sh", "-c", c.shell)
		}
		require.Equal(t, c.want, h.ok(line...), "%q", c.flags)
	}
}

func TestLimitsAreTheKernels(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "web", "--network", "none", "-m", "64m", "--cpus", "0.5", "--pids-limit", "20", "base", "sleep", "1000")
	var about []struct {
		HostConfig struct{ Memory, CpuQuota, CpuPeriod, PidsLimit int64 }
	}
	require.NoError(t, json.Unmarshal([]byte(h.ok("inspect", "web")), &about))
	require.EqualValues(t, 64<<20, about[0].HostConfig.Memory)
	require.EqualValues(t, 20, about[0].HostConfig.PidsLimit)
	r := h.cooper("exec", "web", "tail", "-c", "100m", "/dev/zero")
	require.Equal(t, 137, r.code, r.stderr)
	r = h.cooper("exec", "web", "sh", "-c", "i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i+1)); done")
	require.Contains(t, r.stderr, "fork")
}

func TestAVolumeOutlivesItsContainer(t *testing.T) {
	h := newHost(t)
	require.Equal(t, "cask", h.ok("volume", "create", "cask"))
	h.ok("run", "--rm", "--network", "none", "-v", "cask:/data", "base", "sh", "-c", "echo stout > /data/beer")
	require.Equal(t, "stout", h.ok("run", "--rm", "--network", "none", "-v", "cask:/data:ro", "base", "cat", "/data/beer"))
	require.NotZero(t, h.cooper("run", "--rm", "--network", "none", "-v", "cask:/data:ro", "base", "touch", "/data/x").code)
	require.Equal(t, "cask", h.ok("volume", "ls", "-q"))
	mountpoint := h.ok("volume", "inspect", "-f", "{{.Mountpoint}}", "cask")
	require.FileExists(t, filepath.Join(mountpoint, "beer"))

	h.ok("create", "--name", "user", "--network", "none", "-v", "cask:/data", "base", "true")
	r := h.cooper("volume", "rm", "cask")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "in use")
	h.ok("rm", "user")
	require.Equal(t, "cask", h.ok("volume", "rm", "cask"))
	require.NoDirExists(t, mountpoint)

	dir := t.TempDir()
	h.ok("run", "--rm", "--network", "none", "-v", dir+":/here", "base", "touch", "/here/made")
	require.FileExists(t, filepath.Join(dir, "made"))
	r = h.cooper("run", "--rm", "--network", "none", "-v", dir+"/typo:/here", "base", "true")
	require.Equal(t, 125, r.code)
	require.NoDirExists(t, dir+"/typo")
}

func TestAPublishedPortIsReachable(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "web", "-p", "127.0.0.1::7777", "base", "sh", "-c", "mkdir /w; echo hello from inside > /w/index.html; httpd -f -p 7777 -h /w")
	address := h.ok("port", "web", "7777")
	require.Regexp(t, `^127\.0\.0\.1:\d+$`, address)
	require.Equal(t, "7777/tcp -> "+address, h.ok("port", "web"))
	require.Equal(t, address+"->7777/tcp", h.ok("ps", "--format", "{{.Ports}}"))
	h.ok("exec", "web", "sh", "-c", "until wget -qO /dev/null http://127.0.0.1:7777/; do :; done")
	require.Equal(t, "hello from inside\n", get(t, address))
	r := h.cooper("port", "web", "80")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "no public port")

	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	before := h.state()
	r = h.cooper("run", "--name", "second", "-p", "127.0.0.1:"+port+":80", "base", "true")
	require.Equal(t, 125, r.code)
	require.Contains(t, r.stderr, port)
	h.cooper("rm", "-f", "second")
	require.Equal(t, before, h.state())
}

// get speaks HTTP/1.0 with its bare hands.
func get(t *testing.T, address string) string {
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	var answer strings.Builder
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		answer.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	_, body, found := strings.Cut(answer.String(), "\r\n\r\n")
	require.True(t, found, answer.String())
	return body
}
