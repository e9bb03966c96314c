package registry

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// withHelper puts a credential helper on the path that keeps its logins in
// files, and logs its arguments.
func withHelper(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	script := `#!/bin/sh
cd ` + dir + `
echo "$0 $*" >> log
case $1 in
store) input=$(cat); name=$(echo "$input" | sed 's/.*"ServerURL":"\([^"]*\)".*/\1/' | tr / _); echo "$input" > "$name";;
get) cat "$(cat | tr / _)" 2>/dev/null || { echo credentials not found in native keychain; exit 1; } ;;
erase) rm "$(cat | tr / _)";;
esac`
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte(script), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return dir
}

func TestACredentialHelperKeepsTheLogin(t *testing.T) {
	dir := withHelper(t, "vault")
	for config, hosts := range map[string][]string{
		`{"credsStore": "vault"}`: {"registry.example:5000", "docker.io"},
		`{"credHelpers": {"registry.example": "vault"}, "credsStore": "absent"}`: {"registry.example"},
	} {
		path := dockerConfig(t, config)
		for _, host := range hosts {
			for _, login := range []Login{secret, {IdentityToken: "SECRET-identity"}} {
				got, err := StoredLogin(host)
				require.NoError(t, err, "a helper that knows nothing")
				require.Equal(t, Login{}, got)
				helper, _, err := StoreLogin(host, login)
				require.NoError(t, err)
				require.Equal(t, "vault", helper)
				got, err = StoredLogin(host)
				require.NoError(t, err)
				require.Equal(t, login, got)
				data, err := os.ReadFile(path)
				require.NoError(t, err)
				require.NotContains(t, string(data), "SECRET")
				require.Contains(t, string(data), loginKey(host), "an empty entry, as Docker's")
				found, err := EraseLogin(host)
				require.NoError(t, err)
				require.True(t, found)
			}
		}
	}
	log, err := os.ReadFile(filepath.Join(dir, "log"))
	require.NoError(t, err)
	require.NotContains(t, string(log), "SECRET", "no argument is a secret")
}

func TestAHelperThatFailsIsToldAndNotQuoted(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for name, script := range map[string]string{
		"broken": "#!/bin/sh\nprintf 'keyring is locked \\033[2J'; exit 1",
		"silent": "#!/bin/sh\necho SECRET",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "docker-credential-"+name), []byte(script), 0o755))
	}
	for config, says := range map[string]string{
		`{"credsStore": "broken"}`:       `keyring is locked \x1b[2J`,
		`{"credsStore": "silent"}`:       "docker-credential-silent: its answer isn't JSON",
		`{"credsStore": "absent"}`:       "install it",
		`{"credsStore": "../../bin/sh"}`: "no name of one",
	} {
		dockerConfig(t, config)
		_, err := StoredLogin("registry.example")
		require.ErrorContains(t, err, says)
		require.NotContains(t, err.Error(), "SECRET")
	}
}
