// Package registrytest runs a real registry for tests: Debian's
// docker-registry, on a free port of loopback, with a directory of its own.
package registrytest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// User and Password are accepted by the registries that want a login.
const (
	User     = "cooper"
	Password = "barrel"
)

// Start runs a registry that anybody may pull from and push to, until the test
// ends. It returns its host:port.
func Start(t testing.TB) (host string) {
	t.Helper()
	return start(t, options{})
}

// StartBasic runs a registry that wants User and Password with every request.
func StartBasic(t testing.TB) (host string) {
	t.Helper()
	// bcrypt of Password, as htpasswd -B writes it.
	const line = User + ":$2b$04$abcdefghijklmnopqrstuuM9QCoX9m2LVGh7i8ik4jWLjQDZ2K8wa\n"
	file := filepath.Join(t.TempDir(), "htpasswd")
	require.NoError(t, os.WriteFile(file, []byte(line), 0o600))
	return start(t, options{auth: fmt.Sprintf("auth: {htpasswd: {realm: test, path: %s}}\n", file)})
}

// StartToken runs a registry that wants a bearer token, and the login server
// that gives one: to anybody for pulling, and to User for pushing.
func StartToken(t testing.TB) (host string) {
	t.Helper()
	login := newLoginServer(t)
	return start(t, options{auth: fmt.Sprintf("auth: {token: {realm: %q, service: test, issuer: test, rootcertbundle: %s}}\n", login.url, login.certificate)})
}

// StartWith runs a registry on a directory that the test has filled, as
// docker-registry lays it out.
func StartWith(t testing.TB, data string) (host string) {
	t.Helper()
	return start(t, options{data: data})
}

// options are pieces of the registry's configuration; none is a registry that
// is open, empty and without TLS.
type options struct{ auth, tls, data string }

func start(t testing.TB, o options) string {
	t.Helper()
	notrace.NeedTool(t, "docker-registry")
	dir := t.TempDir()
	if o.data == "" {
		o.data = filepath.Join(dir, "data")
	}
	config := filepath.Join(dir, "config.yml")
	require.NoError(t, os.WriteFile(config, []byte(fmt.Sprintf(
		"version: 0.1\nlog: {level: info, formatter: json}\nstorage: {delete: {enabled: true}, filesystem: {rootdirectory: %s}}\nhttp: {addr: \"127.0.0.1:0\"%s}\n%s",
		o.data, o.tls, o.auth)), 0o600))
	cmd := exec.Command("docker-registry", "serve", config)
	log, err := cmd.StderrPipe()
	require.NoError(t, err)
	cmd.Stdout = cmd.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return listening(t, log)
}

// listening waits for the line that tells the port: the registry chose it
// itself, so no other test can have taken it in between.
func listening(t testing.TB, log io.Reader) string {
	t.Helper()
	address := regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			go io.Copy(io.Discard, log) // a full pipe would stop it
			return found[1]
		}
	}
	t.Fatal("docker-registry ended without listening:", lines.Err())
	return ""
}
