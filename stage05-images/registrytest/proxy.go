package registrytest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Proxy is a proxy for HTTPS, RFC 9110 section 9.3.6: it is told a name and
// passes bytes on, which it can't read. This one knows names of its own, so
// that a server on loopback can be called registry.example, as no DNS would.
type Proxy struct {
	URL string // for HTTPS_PROXY

	lock   sync.Mutex
	routes map[string]string
	asked  []string
}

// StartProxy runs a proxy with routes from host:port to the address meant.
func StartProxy(t testing.TB, routes map[string]string) *Proxy {
	t.Helper()
	p := &Proxy{routes: routes}
	server := httptest.NewServer(http.HandlerFunc(p.connect))
	t.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// Asked lists the names that the proxy was asked for, each once.
func (p *Proxy) Asked() []string {
	p.lock.Lock()
	defer p.lock.Unlock()
	asked := slices.Sorted(slices.Values(p.asked))
	return slices.Compact(asked)
}

func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	p.lock.Lock()
	p.asked = append(p.asked, r.Host)
	address := p.routes[r.Host]
	p.lock.Unlock()
	there, err := net.Dial("tcp", address)
	if r.Method != http.MethodConnect || err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	// Not from socket to socket: that would be splice(2), whose pipes the
	// runtime keeps, and a test that counts descriptors would find them.
	go func() {
		_, _ = io.Copy(struct{ io.Writer }{there}, buffered)
		there.Close()
	}()
	_, _ = io.Copy(struct{ io.Writer }{here}, struct{ io.Reader }{there})
}
