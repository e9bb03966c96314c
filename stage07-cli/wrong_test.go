package cli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWrongInputIsRefusedWithAReasonAndLeavesNothing(t *testing.T) {
	h := newHost(t)
	h.ok("create", "--name", "taken", "--network", "none", "base", "true")
	before := h.state()
	// As with Docker, a container whose start fails stays to be looked at,
	// unless it was to be removed at its end.
	run := func(line ...string) []string { return append([]string{"run", "--rm", "--network", "none"}, line...) }
	long := strings.Repeat("a", 300)
	for _, c := range []struct {
		line   []string
		code   int
		stderr string
	}{
		{[]string{"run"}, 125, "takes at least one argument"},
		{run("UPPER"), 125, "name"},
		{run("../../x"), 125, "name"},
		{run("base:tag\nfoo", "true"), 125, `\n`},
		{run("--name", "taken", "base", "true"), 125, "taken"},
		{run("--name", "../x", "base", "true"), 125, "../x"},
		{run("--name", "a/b", "base", "true"), 125, "a/b"},
		{run("--name", "-x", "base", "true"), 125, "-x"},
		{run("--name", "a\x1b[31m", "base", "true"), 125, `a\x1b[31m`},
		{run("--name", long, "base", "true"), 125, "128"},
		{run("--name", "％2e", "base", "true"), 125, "Invalid container name"},
		{run("-u", "4294967296", "base", "true"), 125, "4294967296"},
		{run("-u", "-1", "base", "true"), 125, "-1"},
		{run("-u", "nobodyknows", "base", "true"), 125, "nobodyknows"},
		{run("-u", "1e3", "base", "true"), 125, "1e3"},
		{run("-w", "relative", "base", "true"), 125, "must be absolute: write /relative"},
		{[]string{"exec", "-w", "relative", "taken", "true"}, 125, "must be absolute: write /relative"},
		{run("-w", "/proc/self/fd/7", "base", "true"), 125, "/proc/self/fd/7"},
		{run("-h", "a\nb", "base", "true"), 125, `a\nb`},
		{run("-h", long, "base", "true"), 125, "host"},
		{run("-m", "lots", "base", "true"), 125, "lots"},
		{run("-m", "1", "base", "true"), 125, "memory"},
		{run("--cpus", "1000000", "base", "true"), 125, "--cpus"},
		{run("--cpuset-cpus", "0-9999999999", "base", "true"), 125, "cpu"},
		{run("--pids-limit", "-7", "base", "true"), 125, "--pids-limit"},
		{run("--cap-add", "FROB", "base", "true"), 125, "FROB"},
		{run("-v", "/nosuch/dir:/x", "base", "true"), 125, "/nosuch/dir"},
		{run("-v", "a:/", "base", "true"), 125, "can't be '/'"},
		{run("--mount", "type=frob,dst=/x", "base", "true"), 125, "frob"},
		{run("--tmpfs", "/t:frob", "base", "true"), 125, "frob"},
		{[]string{"run", "--rm", "--network", "frob", "base", "true"}, 125, "frob"},
		{[]string{"run", "--rm", "-p", "70000:80", "base", "true"}, 125, "70000"},
		{[]string{"run", "--rm", "--add-host", "a:1.2.3.4\n6.6.6.6 bank", "base", "true"}, 125, `\n`},
		{[]string{"run", "--rm", "--dns", "8.8.8.8\nnameserver 6.6.6.6", "base", "true"}, 125, `\n`},
		{run("--stop-signal", "FROB", "base", "true"), 125, "FROB"},
		{run("--detach-keys", "ctrl-p,,q", "base", "true"), 125, `unknown key ""`},
		{run("-e", "=x", "base", "true"), 125, "name of the variable"},
		{run("--explain=xml", "base", "true"), 125, "xml"},
		{[]string{"create", "--name", "taken", "base"}, 1, "taken"},
		{[]string{"create", "--frob", "base"}, 125, "--frob"},
		{[]string{"start", "nosuch"}, 1, "nosuch"},
		{[]string{"start", "-a", "taken", "taken"}, 125, "only one"},
		{[]string{"ps", "extra"}, 125, "takes no arguments"},
		{[]string{"ps", "--format", "{{.Nope}}"}, 125, "the fields are"},
		{[]string{"logs"}, 125, "takes one argument"},
		{[]string{"logs", "nosuch"}, 1, "nosuch"},
		{[]string{"logs", "--tail", "few", "taken"}, 125, "--tail"},
		{[]string{"logs", "--since", "yesterday", "taken"}, 1, "yesterday"},
		{[]string{"exec", "taken"}, 125, "at least 2 arguments"},
		{[]string{"exec", "taken", "true"}, 1, "running"},
		{[]string{"exec", "nosuch", "true"}, 1, "nosuch"},
		{[]string{"attach", "nosuch"}, 1, "nosuch"},
		{[]string{"attach", "taken"}, 1, "stopped"},
		{[]string{"stop", "nosuch"}, 1, "nosuch"},
		{[]string{"stop", "-t", "soon", "taken"}, 125, "--time"},
		{[]string{"kill", "taken"}, 1, "running"},
		{[]string{"kill", "-s", "FROB", "taken"}, 1, "FROB"},
		{[]string{"wait", "nosuch"}, 1, "nosuch"},
		{[]string{"rm", "nosuch"}, 1, "nosuch"},
		{[]string{"rm", "../taken"}, 1, "../taken"},
		{[]string{"rm", ""}, 1, ""},
		{[]string{"inspect", "no\x1bsuch"}, 1, `no\x1bsuch`},
		{[]string{"inspect", "--type", "frob", "taken"}, 125, "--type"},
		{[]string{"inspect", "-f", "{{.Nope}}", "taken"}, 125, "Nope"},
		{[]string{"commit", "nosuch", "x:1"}, 1, "nosuch"},
		{[]string{"commit", "taken", "UPPER"}, 1, "UPPER"},
		{[]string{"commit", "-c", "FROB x", "taken", "x:1"}, 1, "FROB"},
		{[]string{"tag", "nosuch", "x:1"}, 1, "nosuch"},
		{[]string{"tag", "base", "UPPER"}, 1, "UPPER"},
		{[]string{"rmi", "nosuch"}, 1, "nosuch"},
		{[]string{"rmi", "base"}, 1, "is using"},
		{[]string{"pull", "127.0.0.1:1/x"}, 1, "127.0.0.1:1"},
		{[]string{"pull", "-x"}, 125, "unknown flag"},
		{[]string{"pull", "x@sha256:abc"}, 1, "x@sha256:abc"},
		{[]string{"push", "nosuch"}, 1, "nosuch"},
		{[]string{"save", "nosuch"}, 1, "nosuch"},
		{[]string{"save", "-o", "/nonexistent/x", "base"}, 1, "/nonexistent/x"},
		{[]string{"save", "-o", "/dev/null", "base"}, 1, "no regular file"},
		{[]string{"load", "-i", "/nonexistent"}, 1, "/nonexistent"},
		{[]string{"load", "-i", "/dev/null"}, 1, "neither an index.json"},
		{[]string{"export", "nosuch"}, 1, "nosuch"},
		{[]string{"import", "/nonexistent"}, 1, "/nonexistent"},
		{[]string{"import", "/etc/passwd"}, 1, "no tar archive"},
		{[]string{"load", "-i", "/etc/passwd"}, 1, "no tar archive"},
		{[]string{"image", "prune", "--filter", "foo=bar"}, 1, "foo"},
		{[]string{"import", "/dev/null", "UPPER"}, 1, "UPPER"},
		{[]string{"import", "-c", "FROB x", "/dev/null"}, 1, "FROB"},
		{[]string{"import", "--platform", "beos", "/dev/null"}, 1, "beos"},
		{[]string{"history", "nosuch"}, 1, "nosuch"},
		{[]string{"commit", "-c", "HEALTHCHECK --interval=1 CMD x", "taken", "x:1"}, 1, "--interval=1"},
		{[]string{"commit", "-c", "HEALTHCHECK --frob=1s CMD x", "taken", "x:1"}, 1, "--frob"},
		{[]string{"commit", "-c", "HEALTHCHECK x", "taken", "x:1"}, 1, "HEALTHCHECK NONE"},
		{[]string{"commit", "-c", "ONBUILD ONBUILD RUN x", "taken", "x:1"}, 1, "chaining"},
		{[]string{"commit", "-c", "ONBUILD FROM x", "taken", "x:1"}, 1, "FROM"},
		{[]string{"port", "nosuch"}, 1, "nosuch"},
		{[]string{"port", "taken", "80"}, 1, "no public port"},
		{[]string{"volume", "create", "../x"}, 1, "../x"},
		{[]string{"volume", "create", long}, 1, "volume name"},
		{[]string{"volume", "inspect", "nosuch"}, 1, "nosuch"},
		{[]string{"volume", "rm", "nosuch"}, 1, "nosuch"},
		{[]string{"volume", "frob"}, 125, "unknown command"},
		{[]string{"plan", "nosuch"}, 1, "nosuch"},
		{[]string{"version", "extra"}, 125, "takes no arguments"},
		{[]string{"--root", "/dev/null/x", "ps"}, 1, "/dev/null"},
	} {
		name := strings.Join(c.line, " ")
		t.Run(name, func(t *testing.T) {
			r := h.cooper(c.line...)
			require.Equal(t, c.code, r.code, r.stdout+r.stderr)
			require.Contains(t, r.stderr, c.stderr)
			require.Contains(t, r.stderr, "cooper: ")
			require.NotContains(t, r.stderr, "\x1b")
			require.Equal(t, strings.Join(before, "\n"), strings.Join(h.state(), "\n"), r.stderr)
		})
	}
	require.Equal(t, "Created", h.ok("ps", "-a", "--format", "{{.Status}}"))
}

func TestNothingFromOutsideSteersTheTerminal(t *testing.T) {
	h := newHost(t)
	evil := "\x1b]0;owned\a\x1b[2J\u202egpj\u009b31m"
	h.ok("run", "--name", "web", "--network", "none", "-l", "note="+evil, "-e", "X="+evil, "base", "echo", evil)
	for _, line := range [][]string{
		{"ps", "-a"}, {"ps", "-a", "--no-trunc"}, {"ps", "-a", "--format", "{{.Labels}} {{.Command}}"}, {"ps", "-a", "--format", "json"},
		{"inspect", "web"}, {"inspect", "-f", "{{.Config.Env}} {{.Config.Labels}}", "web"}, {"inspect", evil}, {"rm", evil}, {evil}, {"run", evil},
	} {
		r := h.cooper(line...)
		for _, mark := range []string{"\x1b", "\a", "\u009b"} {
			require.NotContains(t, r.stdout+r.stderr, mark, "%q", line)
		}
	}
	require.Equal(t, evil+"\n", h.cooper("logs", "web").stdout, "logs are raw on purpose")
}

func TestWithoutRootItSaysWhatToDo(t *testing.T) {
	h := newHost(t)
	for line, code := range map[string]int{"ps": 1, "run base true": 125, "image bootstrap": 1} {
		command := h.command(words(line)...)
		command.Dir = "/"
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		require.NoError(t, os.Chmod(filepath.Dir(h.program), 0o755))
		require.Equal(t, result{code, "", "cooper: cooper must be run as root: put sudo in front\n"}, h.finish(command))
	}
	command := h.command("version")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	command.Dir = "/"
	require.Zero(t, h.finish(command).code)
}
