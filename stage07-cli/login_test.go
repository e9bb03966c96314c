package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// loginAt runs a login line that gets its password from standard input.
func loginAt(h *host, password string, line ...string) result {
	command := h.command(append([]string{"login"}, line...)...)
	command.Stdin = strings.NewReader(password)
	return h.finish(command)
}

func TestALoginIsStoredWhenTheRegistryAcceptsIt(t *testing.T) {
	h := newHost(t)
	config := t.TempDir()
	h.env = append(h.env, "DOCKER_CONFIG="+config)
	file := filepath.Join(config, "config.json")
	for kind, start := range map[string]func(testing.TB) string{"basic": registrytest.StartBasic, "token": registrytest.StartToken} {
		registry := start(t)
		name := registry + "/me/base:1"
		h.ok("tag", "base", name)
		r := h.cooper("push", name)
		require.Equal(t, 1, r.code, kind)
		require.Contains(t, r.stderr, "hint: 'cooper login HOST' stores a login")
		wrong := `{"auths": {"` + registry + `": {"auth": "Y29vcGVyOldST05HLVNFQ1JFVA=="}}}` // cooper:WRONG-SECRET
		require.NoError(t, os.WriteFile(file, []byte(wrong), 0o600))
		r = h.cooper("--debug", "push", name)
		require.Equal(t, 1, r.code, kind)
		require.NotContains(t, r.stdout+r.stderr, "SECRET")
		require.NotContains(t, r.stdout+r.stderr, "Y29vcGVy")
		h.ok("logout", registry)

		r = loginAt(h, "WRONG-SECRET\n", "-u", registrytest.User, "--password-stdin", registry)
		require.Equal(t, 1, r.code, kind)
		require.Contains(t, r.stderr, "not authorized: 401")
		require.NotContains(t, r.stdout+r.stderr, "SECRET")
		require.Equal(t, "Not logged in to "+registry, h.ok("logout", registry))

		r = loginAt(h, registrytest.Password+"\n", "-u", registrytest.User, "--password-stdin", "http://"+registry+"/")
		require.Equal(t, "Login Succeeded\n", r.stdout)
		require.Contains(t, r.stderr, "WARNING! Your password will be stored unencrypted in "+file+".\n")
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode())
		h.ok("push", name)
		require.Equal(t, "Authenticating with existing credentials...\nLogin Succeeded", h.ok("login", registry))

		require.Equal(t, registry+"/me/base", h.ok("search", "--format", "{{.Name}}", registry+"/base"))

		// What one of us has stored, the other uses.
		skopeo := exec.Command("skopeo", "inspect", "--authfile", file, "--tls-verify=false", "docker://"+name)
		out, err := skopeo.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Equal(t, "Removing login credentials for "+registry, h.ok("logout", registry))
		require.Equal(t, "Not logged in to "+registry, h.ok("logout", registry))
		require.Equal(t, 1, h.cooper("push", name).code)

		tool(t, "skopeo", "login", "--authfile", file, "--tls-verify=false", "-u", registrytest.User, "-p", registrytest.Password, registry)
		h.ok("push", name)
		h.ok("logout", registry)
		h.ok("rmi", name)
	}
}

func TestALoginThatCannotBeAskedForIsRefused(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for line, says := range map[string]string{
		"login 127.0.0.1:1":                            "cannot perform an interactive login from a non TTY device",
		"login -u anna 127.0.0.1:1":                    "cannot perform an interactive login from a non TTY device",
		"login --password-stdin 127.0.0.1:1":           "must provide --username with --password-stdin",
		"login -u a -p b --password-stdin 127.0.0.1:1": "mutually exclusive",
		"login -u anna --password-stdin 127.0.0.1:1":   "neither the user name nor the password may be empty",
		"login -u a -p b 127.0.0.1:1":                  "connection refused",
		"login registry":                               "write HOST[:PORT]",
		"logout registry":                              "write HOST[:PORT]",
		"login a.example b.example":                    "takes 0 to 1 arguments",
	} {
		command := exec.Command(os.Args[0], words(line)...)
		command.Env = append(os.Environ(), asCooper+"=1")
		out, err := command.CombinedOutput()
		require.Error(t, err, line)
		require.Contains(t, string(out), says, line)
	}
	entries, err := os.ReadDir(os.Getenv("DOCKER_CONFIG"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestAPasswordIsAskedForAndNotShown(t *testing.T) {
	registry := registrytest.StartBasic(t)
	config := t.TempDir()
	p := newPTY(t, 24, 80)
	before := p.mode()
	start := func() *exec.Cmd {
		command := exec.Command(os.Args[0], "login", registry)
		command.Env = append(os.Environ(), asCooper+"=1", "DOCKER_CONFIG="+config)
		p.start(command)
		p.await("Username: ")
		p.press(registrytest.User + "\n")
		p.await("Password: ")
		return command
	}
	command := start()
	p.press(registrytest.Password + "\n")
	p.await("Login Succeeded")
	require.Zero(t, p.status(command))
	require.NotContains(t, p.shown, registrytest.Password)
	require.Equal(t, before, p.mode())

	require.NoError(t, os.Remove(filepath.Join(config, "config.json")))
	command = start()
	require.Zero(t, p.mode().Lflag&unix.ECHO)
	p.press("\x03")
	require.Equal(t, 130, p.status(command))
	require.Equal(t, before, p.mode(), "^C gives the echo back")
}
