package registry

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// connections trusts each host as far as it was said to be trustworthy. A
// registry sends us on to other hosts, to log in and to fetch blobs; what was
// allowed to the registry isn't allowed to them:
//
//	                           the registry   its machine   any other host
//	certificate unverified     if insecure    if insecure   never
//	its CAs from certs.d       yes            yes           yes, beside the system's
//	our client certificate     yes            no            no
//
// So that one flag for a registry in the cellar doesn't hand the password of
// its login server, somewhere on the internet, to whoever sits in between.
type connections struct {
	registry string // host[:port]
	insecure bool
	trust    Trust
	patience time.Duration

	lock  sync.Mutex
	hosts map[string]*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	return c.to(req.URL.Host).RoundTrip(req)
}

func (c *connections) to(host string) *http.Transport {
	c.lock.Lock()
	defer c.lock.Unlock()
	if c.hosts == nil {
		c.hosts = map[string]*http.Transport{}
	}
	if c.hosts[host] == nil {
		c.hosts[host] = newTransport(c.patience, c.tlsConfig(host))
	}
	return c.hosts[host]
}

func (c *connections) tlsConfig(host string) *tls.Config {
	here, there := url.URL{Host: c.registry}, url.URL{Host: host}
	config := &tls.Config{InsecureSkipVerify: c.insecure && here.Hostname() == there.Hostname()}
	if host == c.registry {
		config.Certificates = c.trust.client
	}
	if len(c.trust.roots) > 0 {
		config.RootCAs = c.trust.pool()
	}
	return config
}

// CloseIdleConnections is what http.Client looks for by this name.
func (c *connections) CloseIdleConnections() {
	c.lock.Lock()
	defer c.lock.Unlock()
	for _, transport := range c.hosts {
		transport.CloseIdleConnections()
	}
}
