package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestStoredLoginsAreFoundUnderTheirOldNamesToo(t *testing.T) {
	const config = `{"auths":{
		"registry.example:5000":{"auth":"YW5uYTpwOncK"},
		"https://old.example/v1/":{"auth":"YW5uYTpvbGQ="},
		"plain.example":{"username":"anna","password":"plain"},
		"https://index.docker.io/v1/":{"auth":"YW5uYTpodWI=","identitytoken":"id"}}}`
	for host, want := range map[string]Login{
		"registry.example:5000": {"anna", "p:w\n", ""},
		"old.example":           {"anna", "old", ""},
		"plain.example":         {"anna", "plain", ""},
		"docker.io":             {"anna", "hub", "id"},
		"registry.example":      {},
	} {
		file, err := parseLogins([]byte(config))
		require.NoError(t, err)
		got, err := file.find(host)
		require.NoError(t, err)
		require.Equal(t, want, got, host)
	}
	file, err := parseLogins([]byte(`{"auths":{"a":{"auth":"SECRET!"}}}`))
	require.NoError(t, err)
	_, err = file.find("a")
	require.ErrorContains(t, err, "log in again")
	require.NotContains(t, err.Error(), "SECRET")
}

// dockerConfig puts a config.json where logins are looked for; "" is none.
func dockerConfig(t *testing.T, text string) (path string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	path = filepath.Join(dir, "config.json")
	if text != "" {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return path
}

func TestAStoredLoginIsFoundAgainUntilItIsErased(t *testing.T) {
	path := dockerConfig(t, "")
	for host, login := range map[string]Login{
		"registry.example:5000": {"anna", "p:w\nü\"<&", ""},
		"docker.io":             {"anna", "hub", ""},
		"token.example":         {"", "", "identity"},
	} {
		found, err := EraseLogin(host)
		require.NoError(t, err)
		require.False(t, found)
		helper, at, err := StoreLogin(host, login)
		require.NoError(t, err)
		require.Equal(t, []string{"", path}, []string{helper, at})
		got, err := StoredLogin(host)
		require.NoError(t, err)
		require.Equal(t, login, got)
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(data), `"https://index.docker.io/v1/"`, "where Docker looks")
	for _, host := range []string{"registry.example:5000", "docker.io", "token.example"} {
		found, err := EraseLogin(host)
		require.NoError(t, err)
		require.True(t, found)
		got, err := StoredLogin(host)
		require.NoError(t, err)
		require.Equal(t, Login{}, got)
	}
}

func TestWithoutALoginNothingIsWritten(t *testing.T) {
	path := dockerConfig(t, "")
	require.NoError(t, os.Remove(filepath.Dir(path)))
	found, err := EraseLogin("registry.example")
	require.NoError(t, err)
	require.False(t, found)
	require.NoDirExists(t, filepath.Dir(path))

	const text = "{ \"auths\" : {} }"
	path = dockerConfig(t, text)
	_, err = EraseLogin("registry.example")
	require.NoError(t, err)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, text, string(data))
}

func TestWhatElseIsInDockersFileStays(t *testing.T) {
	path := dockerConfig(t, `{"auths": {"other.example": {"auth": "YTpi", "email": "x"}},
		"HttpHeaders": {"A": "<&>"}, "big": 12345678901234567890.10, "proxies": {"default": {"noProxy": "a"}}}`)
	real := filepath.Join(t.TempDir(), "real.json")
	require.NoError(t, os.Rename(path, real))
	require.NoError(t, os.Symlink(real, path))
	if os.Geteuid() == 0 {
		require.NoError(t, os.Chown(real, 1234, 1234))
	}
	_, at, err := StoreLogin("registry.example", secret)
	require.NoError(t, err)
	require.Equal(t, real, at)

	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type(), "the link is still one")
	info, err = os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode())
	if os.Geteuid() == 0 {
		require.Equal(t, uint32(1234), info.Sys().(*syscall.Stat_t).Uid, "sudo takes nobody's file away")
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	for _, part := range []string{`"A": "<&>"`, "12345678901234567890.10", `"noProxy": "a"`, `"email": "x"`} {
		require.Contains(t, string(data), part)
	}
	require.True(t, json.Valid(data))
	entries, err := os.ReadDir(filepath.Dir(real))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestAFileThatIsNoJSONIsNeitherUsedNorReplaced(t *testing.T) {
	for _, text := range []string{"{SECRET", `{"auths": "SECRET"}`, `["SECRET"]`} {
		path := dockerConfig(t, text)
		_, err := StoredLogin("registry.example")
		require.ErrorIs(t, err, errNotJSON)
		_, _, err = StoreLogin("registry.example", secret)
		require.ErrorIs(t, err, errNotJSON)
		require.NotContains(t, err.Error(), "SECRET")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, text, string(data))
	}
}

func TestLoginsAtOnceLoseNone(t *testing.T) {
	dockerConfig(t, "")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, _, err := StoreLogin(fmt.Sprintf("r%d.example", i), secret); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range 20 {
		got, err := StoredLogin(fmt.Sprintf("r%d.example", i))
		require.NoError(t, err)
		require.Equal(t, secret, got)
	}
}

func TestALoginServersIdentityTokenIsKeptInPlaceOfThePassword(t *testing.T) {
	var server *httptest.Server
	var query string
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			query = r.URL.RawQuery
			fmt.Fprint(w, `{"token":"TOKEN","refresh_token":"IDENTITY"}`)
		case r.Header.Get("Authorization") != "Bearer TOKEN":
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="s"`)
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(server.Close)
	login, err := LogIn(context.Background(), hostOfServer(server), Options{Login: secret})
	require.NoError(t, err)
	require.Equal(t, Login{Username: "anna", IdentityToken: "IDENTITY"}, login)
	require.Equal(t, "client_id=cooper&offline_token=true&service=s", query, "no scope: no right but to be who it is")
}

func TestARegistryIsNamedAsPeopleNameIt(t *testing.T) {
	for given, want := range map[string]string{
		"": "docker.io", "docker.io": "docker.io", "https://index.docker.io/v1/": "docker.io", "registry-1.docker.io": "docker.io",
		"https://registry.example:5000/v2/": "registry.example:5000", "http://127.0.0.1:5000": "127.0.0.1:5000", "localhost": "localhost",
		"registry": "", "../../etc": "", "a b.c": "", "user@registry.example": "", "https://": "docker.io", "x\n.y": "",
	} {
		host, err := ServerHost(given)
		if want == "" {
			require.ErrorContains(t, err, "write HOST[:PORT]", given)
			continue
		}
		require.NoError(t, err, given)
		require.Equal(t, want, host)
	}
}

// FuzzConfigFile stores and erases a login in anything that may be there.
func FuzzConfigFile(f *testing.F) {
	f.Add([]byte(`{"auths":{"a.example":{"auth":"YTpi"},"https://x.example/v1/":{}},"k":[1,{"x":null}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parseLogins(text)
		if err != nil || strings.Contains(string(text), "cred") {
			return
		}
		if file.set("x.example", secret.stored()) != nil {
			return
		}
		again, err := json.Marshal(file.all)
		require.NoError(t, err)
		changed, err := parseLogins(again)
		require.NoError(t, err)
		got, err := changed.find("x.example")
		require.NoError(t, err)
		require.Equal(t, secret, got)
		require.NoError(t, changed.remove("x.example"))
		require.NotContains(t, string(changed.all["auths"]), `"x.example"`)
	})
}
