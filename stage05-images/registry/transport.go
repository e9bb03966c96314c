package registry

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"time"
)

// newHTTPClient returns a client that gives up on a silent peer and that keeps
// its secrets to itself when it is redirected.
func newHTTPClient(to *connections) *http.Client {
	return &http.Client{CheckRedirect: checkRedirect, Transport: to}
}

// newTransport makes the connections to one host.
func newTransport(patience time.Duration, trusting *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment, // HTTPS_PROXY, HTTP_PROXY, NO_PROXY
		DialContext:         (&net.Dialer{Timeout: min(10*time.Second, patience)}).DialContext,
		TLSHandshakeTimeout: min(10*time.Second, patience),
		// To finish an upload, a registry may have to move gigabytes in a cloud's
		// storage. Who only asks doesn't wait that long: see Repository.send.
		ResponseHeaderTimeout: 10 * patience,
		ExpectContinueTimeout: min(time.Second, patience),
		IdleConnTimeout:       patience,
		MaxIdleConnsPerHost:   4,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       trusting,
		// Blobs must arrive as they are stored: their digest is of the
		// compressed bytes, which net/http would otherwise unpack unasked.
		DisableCompression: true,
	}
}

// checkRedirect follows a redirect, as registries use it to hand out blobs
// from a storage service, with three limits: ten hops, no way back from TLS to
// plain HTTP, and no Authorization for any other host. Port and scheme count
// as part of the host here; net/http alone looks at the name, and would give
// 127.0.0.1:6000 the password of 127.0.0.1:5000.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet && first.Method != http.MethodHead:
		return http.ErrUseLastResponse // an upload isn't sent twice, least of all elsewhere
	case len(via) > 10:
		return fmt.Errorf("%w: more than 10", errRedirect)
	case req.URL.Scheme != "https" && (req.URL.Scheme != "http" || via[len(via)-1].URL.Scheme == "https"):
		return fmt.Errorf("%w: from %s to %q", errRedirect, via[len(via)-1].URL.Scheme, req.URL.Scheme)
	}
	for _, hop := range append(via[1:], req) {
		if hop.URL.Scheme != first.URL.Scheme || hop.URL.Host != first.URL.Host {
			req.Header.Del("Authorization")
		}
	}
	return nil
}

var errRedirect = errors.New("refused redirect")

// errNoProgress ends a transfer that has stood still for too long.
var errNoProgress = errors.New("no progress: the peer sends nothing, or takes nothing")

// watched is a stream whose request is cancelled when nobody manages to read
// from it for the length of patience. A deadline for the whole would either
// kill slow downloads or never find the dead ones.
type watched struct {
	io.ReadCloser
	ctx      context.Context // the request's
	timer    *time.Timer
	patience time.Duration
}

func watch(ctx context.Context, cancel context.CancelCauseFunc, r io.ReadCloser, patience time.Duration) *watched {
	return &watched{r, ctx, time.AfterFunc(patience, func() { cancel(errNoProgress) }), patience}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err == nil {
		w.timer.Reset(w.patience)
		return n, nil
	}
	w.timer.Stop()
	if cause := context.Cause(w.ctx); cause != nil && err != io.EOF {
		err = cause
	}
	return n, err
}

func (w *watched) Close() error {
	w.timer.Stop()
	return w.ReadCloser.Close()
}

// answer is a response's body; closing it ends its request's context too.
type answer struct {
	*watched
	cancel context.CancelCauseFunc
}

func (a answer) Close() error {
	defer a.cancel(nil)
	return a.watched.Close()
}

// speaksPlainHTTP reports whether an error means that the server answered a
// TLS greeting in plain text.
func speaksPlainHTTP(err error) bool {
	var header tls.RecordHeaderError
	return errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &header)
}

// aboutCertificates tells what to do where one of the two sides doesn't trust
// the other; "" is another error. The other side's no comes as an alert of TLS,
// RFC 8446 section 6.2.
func aboutCertificates(err error) string {
	var address *url.Error
	var ours *tls.CertificateVerificationError
	var theirs *net.OpError
	if !errors.As(err, &address) {
		return ""
	}
	dir := filepath.Join(certificateDirs()[0], hostOf(address.URL))
	switch {
	case errors.As(err, &ours):
		return "if you trust who has signed it, put their certificate into " + dir + "/ca.crt; if you trust the network, say --insecure"
	case errors.As(err, &theirs) && theirs.Op == "remote error":
		return "if it wants a certificate of ours, put that into " + dir + "/client.cert and its key into client.key"
	}
	return ""
}

// withoutURL strips the address from an error of net/http: after a redirect it
// may carry a signature that is as good as a password.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return fmt.Errorf("%s %s: %w", e.Op, hostOf(e.URL), e.Err)
	}
	return err
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "registry"
	}
	return u.Host
}
