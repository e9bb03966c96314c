package cli

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

// withSettings gives a host a settings directory of its own, and names that only a
// proxy knows. What is behind them is on loopback, but isn't called so: else
// no certificate would be asked for.
func withSettings(t *testing.T, h *host, routes map[string]string) (settings string, proxy *registrytest.Proxy) {
	t.Helper()
	settings, proxy = t.TempDir(), registrytest.StartProxy(t, routes)
	h.env = append(h.env, "COOPER_CONFIG="+settings, "DOCKER_CONFIG="+t.TempDir(), "HTTPS_PROXY="+proxy.URL, "NO_PROXY=")
	return settings, proxy
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	require.NoError(t, err)
	writeFile(t, to, string(text))
}

func TestARegistrysCertificateMustBeSignedByOneWhoIsTrusted(t *testing.T) {
	h := newHost(t)
	ca := registrytest.NewCA(t)
	real := registrytest.StartTLS(t, ca, "registry.test", false)
	settings, proxy := withSettings(t, h, map[string]string{"registry.test:5000": real})
	name := "registry.test:5000/me/base:1"
	h.ok("tag", "base", name)

	r := h.cooper("push", name)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "certificate signed by unknown authority")
	require.Contains(t, r.stderr, filepath.Join(settings, "certs.d", "registry.test:5000", "ca.crt"))
	require.Equal(t, []string{"registry.test:5000"}, proxy.Asked(), "the proxy of the environment is used")

	copyFile(t, ca.File, filepath.Join(settings, "certs.d", "registry.test:5001", "ca.crt"))
	require.Contains(t, h.cooper("push", name).stderr, "unknown authority", "another port is another registry")
	copyFile(t, ca.File, filepath.Join(settings, "certs.d", "registry.test:5000", "ca.crt"))
	h.ok("push", name)
	h.ok("rmi", name)
	require.Contains(t, h.ok("pull", name), "Digest: sha256:")
}

func TestARegistryMayBeInsecureByFlagAndBySettings(t *testing.T) {
	h := newHost(t)
	real := registrytest.StartTLS(t, registrytest.NewCA(t), "another.name", false)
	settings, _ := withSettings(t, h, map[string]string{"registry.test:5000": real, "10.1.2.3:5000": real})
	for _, host := range []string{"registry.test:5000", "10.1.2.3:5000"} {
		name := host + "/base:1"
		h.ok("tag", "base", name)
		require.Contains(t, h.cooper("push", name).stderr, "certificate", host)
		h.ok("push", "--insecure", name)
		h.ok("pull", "--insecure", name)
	}
	writeFile(t, filepath.Join(settings, "registries.json"), `{"insecure-registries": ["registry.test:5000", "10.0.0.0/8"]}`)
	h.ok("pull", "registry.test:5000/base:1")
	h.ok("pull", "10.1.2.3:5000/base:1")
	writeFile(t, filepath.Join(settings, "registries.json"), `{"insecure-registry": ["registry.test:5000"]}`)
	require.Contains(t, h.cooper("pull", "registry.test:5000/base:1").stderr, `unknown field "insecure-registry"`)
}

func TestARegistryThatAsksForACertificateGetsOursAndNobodyElse(t *testing.T) {
	h := newHost(t)
	ca := registrytest.NewCA(t)
	real := registrytest.StartTLS(t, ca, "registry.test", true)
	settings, _ := withSettings(t, h, map[string]string{"registry.test:5000": real})
	certs := filepath.Join(settings, "certs.d", "registry.test:5000")
	name := "registry.test:5000/base:1"
	h.ok("tag", "base", name)
	copyFile(t, ca.File, filepath.Join(certs, "ca.crt"))
	require.Contains(t, h.cooper("push", name).stderr, filepath.Join(certs, "client.cert"))

	certificate, key := ca.Issue(t, "cooper")
	copyFile(t, certificate, filepath.Join(certs, "client.cert"))
	require.Contains(t, h.cooper("push", name).stderr, "needs its .key")
	copyFile(t, key, filepath.Join(certs, "client.key"))
	h.ok("push", name)
	require.NoError(t, os.Remove(filepath.Join(certs, "client.cert")))
	require.Contains(t, h.cooper("push", name).stderr, "client.cert", "a key without a certificate is a slip")
	writeFile(t, filepath.Join(certs, "ca.crt"), "not PEM")
	require.Contains(t, h.cooper("push", name).stderr, "no certificate in PEM form")
}

// Docker Hub is known by its own name to the test's proxy, and to nobody else.
func TestAMirrorIsAskedBeforeDockerHub(t *testing.T) {
	h := newHost(t)
	ca := registrytest.NewCA(t)
	hub := registrytest.StartTLS(t, ca, "registry-1.docker.io", false)
	mirror, down := registrytest.Start(t), closedPort(t)
	settings, proxy := withSettings(t, h, map[string]string{"registry-1.docker.io:443": hub})
	copyFile(t, ca.File, filepath.Join(settings, "certs.d", "docker.io", "ca.crt"))

	h.ok("tag", "base", mirror+"/library/here:1")
	h.ok("tag", "base", "there:1")
	h.ok("push", mirror+"/library/here:1")
	require.Empty(t, proxy.Asked())
	h.ok("push", "there:1")
	require.Equal(t, []string{"registry-1.docker.io:443"}, proxy.Asked(), "a push goes to Docker Hub itself")

	writeFile(t, filepath.Join(settings, "registries.json"), fmt.Sprintf(`{"registry-mirrors": ["http://%s", "http://%s/"]}`, down, mirror))
	out := h.ok("pull", "here:1")
	require.Contains(t, out, "Mirror "+down+" failed: ")
	require.NotContains(t, out, "Mirror "+mirror)
	require.Regexp(t, `Status: Downloaded newer image for here:1\ndocker.io/library/here:1$`, out)
	out = h.ok("pull", "there:1")
	require.Contains(t, out, "Mirror "+mirror+" failed: ")
	require.Contains(t, out, "Status: Image is up to date for there:1")
	require.Contains(t, h.cooper("pull", "nowhere:1").stderr, "pull nowhere:1: get manifest 1: not found")

	writeFile(t, filepath.Join(settings, "registries.json"), `{"registry-mirrors": ["mirror.example/path"]}`)
	require.Contains(t, h.cooper("pull", "here:1").stderr, "write https://HOST[:PORT]")
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
