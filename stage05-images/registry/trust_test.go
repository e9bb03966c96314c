package registry

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The table above connections, as a test.
func TestWhatIsAllowedToARegistryIsNotAllowedToOthers(t *testing.T) {
	trust := Trust{roots: []*x509.Certificate{{Raw: []byte("ca")}}, client: []tls.Certificate{{}}}
	for host, want := range map[string]struct{ unverified, client bool }{
		"registry.example:5000": {true, true},
		"registry.example":      {true, false},
		"registry.example:5001": {true, false},
		"auth.example:5000":     {false, false},
		"127.0.0.1":             {false, false},
	} {
		for _, insecure := range []bool{true, false} {
			to := &connections{registry: "registry.example:5000", insecure: insecure, trust: trust}
			config := to.tlsConfig(host)
			require.Equal(t, insecure && want.unverified, config.InsecureSkipVerify, host)
			require.Equal(t, want.client, len(config.Certificates) > 0, host)
			require.NotNil(t, config.RootCAs, host)
		}
	}
	require.Nil(t, (&connections{registry: "a"}).tlsConfig("a").RootCAs, "the system's")
}

func TestAnInsecureRegistryIsNamedOrLiesInANamedNetwork(t *testing.T) {
	for _, c := range []struct {
		entry, host string
		ok          bool
	}{
		{"registry.lan:5000", "registry.lan:5000", true}, {"registry.lan:5000", "registry.lan", false}, {"registry.lan", "registry.lan:5000", false},
		{"10.0.0.0/8", "10.1.2.3:5000", true}, {"10.0.0.0/8", "10.1.2.3", true}, {"10.0.0.0/8", "11.1.2.3:5000", false},
		{"fd00::/8", "[fd00::1]:5000", true}, {"10.0.0.0/8", "registry.lan", false}, {"", "registry.lan", false}, {"0.0.0.0/0", "registry.lan:443", false},
	} {
		require.Equal(t, c.ok, covers(c.entry, c.host), "%s, %s", c.entry, c.host)
	}
}

func TestAMirrorIsAnAddressWithoutAPath(t *testing.T) {
	for address, want := range map[string]Mirror{
		"https://mirror.example": {"mirror.example", false}, "https://mirror.example:5000/": {"mirror.example:5000", false}, "http://10.0.0.1:5000": {"10.0.0.1:5000", true},
		"mirror.example": {}, "https://mirror.example/path": {}, "https://anna:SECRET@mirror.example": {}, "ftp://mirror.example": {}, "https://": {}, "": {}, "https://m?x=1": {},
	} {
		got, err := parseMirror(address)
		require.Equal(t, want != Mirror{}, err == nil, address)
		require.Equal(t, want, got, address)
	}
}

func TestSettingsThatCannotBeReadAreAnError(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("COOPER_CONFIG", dir)
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	_, err := Known("registry.example", Options{})
	require.NoError(t, err, "none are no error")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "registries.json"), []byte(`{"insecure-registries": "all"}`), 0o600))
	_, err = Known("registry.example", Options{})
	require.ErrorContains(t, err, "registries.json")
	list, err := Mirrors("registry.example")
	require.NoError(t, err)
	require.Empty(t, list, "only Docker Hub has any, so the file isn't read")
}
