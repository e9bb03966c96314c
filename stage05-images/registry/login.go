package registry

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Login is what a user has stored for one registry.
type Login struct {
	Username, Password string
	IdentityToken      string // an OAuth 2 refresh token, in place of the password
}

// StoredLogin looks a registry up in Docker's configuration, which `docker
// login` writes:
//
//	{"auths": {"registry.example:5000": {"auth": "dXNlcjpwYXNzd29yZA=="}}}
//	                                      └ base64 of user:password
//
// A registry that isn't listed, like a missing file, means anonymous.
func StoredLogin(host string) (Login, error) {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return Login{}, nil
		}
		dir = filepath.Join(home, ".docker")
	}
	data, err := os.ReadFile(filepath.Join(dir, "config.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return Login{}, nil
	}
	if err != nil {
		return Login{}, fmt.Errorf("read stored logins: %w", err)
	}
	return findLogin(data, host)
}

type storedAuth struct {
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
}

// findLogin is StoredLogin's pure part. Errors never quote the file.
func findLogin(config []byte, host string) (Login, error) {
	var file struct {
		Auths map[string]storedAuth `json:"auths"`
	}
	if json.Unmarshal(config, &file) != nil {
		return Login{}, errors.New("read stored logins: Docker's config.json isn't valid JSON: mend it or log in again")
	}
	entry, found := file.Auths[host]
	for key, auth := range file.Auths {
		if !found && sameRegistry(key, host) {
			entry, found = auth, true
		}
	}
	if !found {
		return Login{}, nil
	}
	return entry.login(host)
}

func (a storedAuth) login(host string) (Login, error) {
	plain, err := base64.StdEncoding.DecodeString(a.Auth)
	username, password, ok := strings.Cut(strings.TrimRight(string(plain), "\x00"), ":")
	if err != nil || (!ok && a.Auth != "") {
		return Login{}, fmt.Errorf("read stored logins: the entry of %s isn't base64 of user:password: log in again", host)
	}
	return Login{username, password, a.IdentityToken}, nil
}

// sameRegistry compares a key of config.json with a host. Old keys are
// addresses, "https://registry.example/v1/", and Docker Hub's still is one.
func sameRegistry(key, host string) bool {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key, _, _ = strings.Cut(key, "/")
	return key == host || host == "docker.io" && key == "index.docker.io"
}
