package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"cooper/stage05-images/reference"
)

// Login is what a user has stored for one registry.
type Login struct {
	Username, Password string
	IdentityToken      string // an OAuth 2 refresh token, in place of the password
}

// StoredLogin looks a registry up in Docker's configuration, which `docker
// login` writes as well as `cooper login`:
//
//	{"auths": {"registry.example:5000": {"auth": "dXNlcjpwYXNzd29yZA=="}},
//	                                      └ base64 of user:password
//	 "credHelpers": {"registry.example:5000": "pass"},
//	                                           └ ask docker-credential-pass instead
//	 "credsStore": "secretservice"}            and this one for all others
//
// A registry that isn't listed, like a missing file, means anonymous.
func StoredLogin(host string) (Login, error) {
	file, err := openLogins()
	if err != nil {
		return Login{}, err
	}
	return file.find(host)
}

func (f *loginFile) find(host string) (Login, error) {
	if helper := f.helper(host); helper != "" {
		login, err := helper.get(loginKey(host))
		if err != nil || login != (Login{}) {
			return login, err
		}
	}
	entry, found := f.Auths[loginKey(host)]
	for key, auth := range f.Auths {
		if !found && sameRegistry(key, host) {
			entry, found = auth, true
		}
	}
	if !found {
		return Login{}, nil
	}
	return entry.login(host)
}

// storedAuth is an entry of the file. Some programs write the two words as they
// are, which Docker reads as well.
type storedAuth struct {
	Auth          string `json:"auth,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
}

func (a storedAuth) login(host string) (Login, error) {
	if a.Auth == "" {
		return Login{a.Username, a.Password, a.IdentityToken}, nil
	}
	plain, err := base64.StdEncoding.DecodeString(a.Auth)
	username, password, ok := strings.Cut(strings.TrimRight(string(plain), "\x00"), ":")
	if err != nil || !ok {
		return Login{}, fmt.Errorf("read stored logins: the entry of %s isn't base64 of user:password: log in again", host)
	}
	return Login{username, password, a.IdentityToken}, nil
}

// stored is the entry that holds a login.
func (l Login) stored() storedAuth {
	return storedAuth{Auth: base64.StdEncoding.EncodeToString([]byte(l.Username + ":" + l.Password)), IdentityToken: l.IdentityToken}
}

// hubKey is what Docker Hub's login is stored under: the address that it had
// in the first protocol.
const hubKey = "https://index.docker.io/v1/"

func loginKey(host string) string {
	if host == "docker.io" {
		return hubKey
	}
	return host
}

// sameRegistry compares a key of config.json with a host. Old keys are
// addresses, "https://registry.example/v1/", and Docker Hub's still is one.
func sameRegistry(key, host string) bool {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key, _, _ = strings.Cut(key, "/")
	return key == host || host == "docker.io" && key == "index.docker.io"
}

// ServerHost returns the host[:port] of a registry as people name it when they
// log in: with https:// and a path, or not at all for Docker Hub, which has
// several names.
func ServerHost(server string) (string, error) {
	host := strings.TrimPrefix(strings.TrimPrefix(server, "https://"), "http://")
	host, _, _ = strings.Cut(host, "/")
	switch host {
	case "", "docker.io", "index.docker.io", "registry-1.docker.io", "hub.docker.com":
		return "docker.io", nil
	}
	if ref, err := reference.Parse(host + "/x"); err != nil || ref.Host != host {
		return "", fmt.Errorf("%q is no registry: write HOST[:PORT], such as registry.example:5000", server)
	}
	return host, nil
}

// LogIn tries a login at a registry and returns what to store of it: the same,
// or the identity token that the login server gave in place of the password.
func LogIn(ctx context.Context, host string, opts Options) (Login, error) {
	r := Open(host, "", opts)
	defer r.Close()
	r.scopes, r.wantsIdentity = nil, true // the right to do nothing: who it is, is all we ask
	resp, err := r.do(ctx, request{method: http.MethodGet, url: func() *url.URL { return r.root("/v2/") }})
	if err != nil {
		return Login{}, fmt.Errorf("log in at %s: %w", host, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Login{}, fmt.Errorf("log in at %s: %w", host, statusError(resp))
	}
	if r.identity != "" {
		return Login{Username: opts.Login.Username, IdentityToken: r.identity}, nil
	}
	return opts.Login, nil
}

// StoreLogin stores a login, and reports where: the name of the helper, or the
// path of the file in which it now stands readable for anybody who may read
// the file.
func StoreLogin(host string, login Login) (helper, path string, err error) {
	err = changeLogins(func(file *loginFile) error {
		auth := login.stored()
		if h := file.helper(host); h != "" {
			helper, auth = string(h), storedAuth{} // an empty entry tells Docker that there is a login
			if err := h.store(loginKey(host), login); err != nil {
				return err
			}
		}
		path = file.path
		return file.set(loginKey(host), auth)
	})
	if err != nil {
		return "", "", fmt.Errorf("store login: %w", err)
	}
	return helper, path, nil
}

// EraseLogin forgets a login; it reports whether there was one.
func EraseLogin(host string) (found bool, err error) {
	if file, err := openLogins(); err != nil || len(file.all) == 0 {
		return false, err // nothing to change, so nothing is written
	}
	err = changeLogins(func(file *loginFile) error {
		login, err := file.find(host)
		if err != nil {
			return err
		}
		found = login != (Login{})
		if h := file.helper(host); h != "" && found {
			if err := h.erase(loginKey(host)); err != nil {
				return err
			}
		}
		return file.remove(host)
	})
	if err != nil {
		return found, fmt.Errorf("erase login: %w", err)
	}
	return found, nil
}

var errNotJSON = errors.New("read stored logins: Docker's config.json isn't valid JSON: mend it or log in again")
