package registry

import (
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Options say how a registry may be spoken to.
type Options struct {
	// Insecure allows a certificate that nobody signed, and plain HTTP where
	// the registry doesn't speak TLS. Registries on loopback may always do so,
	// as with Docker.
	Insecure bool

	// PlainHTTP doesn't even try TLS: the owner of this machine has written
	// http:// in front of the registry's name.
	PlainHTTP bool

	// Push asks the login server for the right to push as well as to pull.
	Push bool

	// From are other repositories of this registry, to pull from as well:
	// blobs are mounted from there (Upload).
	From []string

	// Login is what the user has stored for this registry; zero for anonymous.
	Login Login

	// Trust is what certificates this registry is known by, beside those that
	// the system trusts.
	Trust Trust

	// Patience is the longest wait for an answer, or for the next byte of one.
	// Zero is 30 seconds.
	Patience time.Duration
}

// Repository is one repository of one registry, "library/debian" of
// "registry-1.docker.io": all that a pull or a push talks to. Its methods may
// be called from several goroutines.
type Repository struct {
	host     string // host[:port], as the image's name has it
	path     string
	insecure bool
	scopes   []string // what a token is asked for, never more
	login    Login
	patience time.Duration
	http     *http.Client

	loggingIn     sync.Mutex // one login at a time, for all who wait for it
	lock          sync.Mutex
	scheme        string // "https", until an insecure registry turns out to speak plain HTTP
	authorization string // the header that the registry accepted last

	wantsIdentity bool   // ask the login server for an identity token
	identity      string // which it gave
}

// Open prepares to talk to a repository; nothing is sent yet. The host is the
// domain of the image's name, "docker.io" or "127.0.0.1:5000".
func Open(host, path string, opts Options) *Repository {
	if host == "docker.io" {
		host = "registry-1.docker.io" // the one name that isn't an address
	}
	r := &Repository{
		host:     host,
		path:     path,
		insecure: opts.Insecure || opts.PlainHTTP || isLoopback(host),
		scopes:   scopes(path, opts),
		login:    opts.Login,
		patience: opts.Patience,
		scheme:   "https",
	}
	if opts.PlainHTTP {
		r.scheme = "http"
	}
	if r.patience == 0 {
		r.patience = 30 * time.Second
	}
	r.http = newHTTPClient(&connections{registry: host, insecure: r.insecure, trust: opts.Trust, patience: r.patience})
	return r
}

// scopes lists the rights that a token is asked for, in the words of
// https://distribution.github.io/distribution/spec/auth/scope. A blob is
// mounted with two: push here, pull there. No path is the whole registry,
// of which only a list of its repositories can be asked.
func scopes(path string, opts Options) []string {
	if path == "" {
		return []string{"registry:catalog:*"}
	}
	own := "repository:" + path + ":pull"
	if opts.Push {
		own += ",push"
	}
	list := []string{own}
	for _, from := range opts.From {
		list = append(list, "repository:"+from+":pull")
	}
	return list
}

// Close lets go of the connections that are kept for the next request.
func (r *Repository) Close() { r.http.CloseIdleConnections() }

// address returns the URL of a resource of this repository, "blobs/sha256:…".
func (r *Repository) address(resource string) *url.URL {
	return r.root("/v2/" + r.path + "/" + resource)
}

// root returns the URL of anything that the registry has.
func (r *Repository) root(path string) *url.URL {
	r.lock.Lock()
	defer r.lock.Unlock()
	return &url.URL{Scheme: r.scheme, Host: r.host, Path: path}
}

// isLoopback reports whether a host[:port] can only be this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
