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

	// Push asks the login server for the right to push as well as to pull.
	Push bool

	// Login is what the user has stored for this registry; zero for anonymous.
	Login Login

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
	scope    string // what a token is asked for, never more
	login    Login
	patience time.Duration
	http     *http.Client

	lock          sync.Mutex
	scheme        string // "https", until an insecure registry turns out to speak plain HTTP
	authorization string // the header that the registry accepted last
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
		insecure: opts.Insecure || isLoopback(host),
		scope:    "repository:" + path + ":pull",
		login:    opts.Login,
		patience: opts.Patience,
		scheme:   "https",
	}
	if opts.Push {
		r.scope += ",push"
	}
	if r.patience == 0 {
		r.patience = 30 * time.Second
	}
	r.http = newHTTPClient(r.patience, r.insecure)
	return r
}

// Close lets go of the connections that are kept for the next request.
func (r *Repository) Close() { r.http.CloseIdleConnections() }

// address returns the URL of a resource of this repository, "blobs/sha256:…".
func (r *Repository) address(resource string) *url.URL {
	r.lock.Lock()
	defer r.lock.Unlock()
	return &url.URL{Scheme: r.scheme, Host: r.host, Path: "/v2/" + r.path + "/" + resource}
}

// isLoopback reports whether a host[:port] can only be this machine.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
