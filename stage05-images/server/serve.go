package server

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// ErrExposed is the refusal to listen where others are, in the clear.
var ErrExposed = errors.New("others than this machine reach that address, and without TLS everybody on the way can read and change what is sent")

// Listen opens an address such as 127.0.0.1:5000. Any but those of loopback
// must be secure, or asked for in the knowledge that they aren't.
func Listen(address string, secure bool) (*net.TCPListener, error) {
	_, _, err := net.SplitHostPort(address) // ResolveTCPAddr takes "" for every address
	if err != nil {
		return nil, errAddress(address, err)
	}
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, errAddress(address, err)
	}
	if !secure && !addr.IP.IsLoopback() {
		return nil, fmt.Errorf("listen on %s: %w", address, ErrExposed)
	}
	network := "tcp"
	if addr.IP.To4() != nil {
		network = "tcp4" // or 0.0.0.0 would be every address of both kinds
	}
	listener, err := net.ListenTCP(network, addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

func errAddress(address string, cause error) error {
	return fmt.Errorf("listen on %q: %w: write ADDRESS:PORT, such as 127.0.0.1:5000", address, cause)
}

// mostConnections is how many clients may be connected at once; whoever comes
// beyond that finds the door shut. Each costs a descriptor and some kilobytes.
const mostConnections = 512

// Serve answers requests until the context ends. Then it lets the requests at
// work finish, for ten seconds, and closes the registry. With identity nil it
// speaks plain HTTP.
func (h *Handler) Serve(ctx context.Context, listener net.Listener, identity *tls.Config) error {
	defer h.report(h.Registry.Close)
	h.report(func() error { return h.Registry.Tidy(time.Now()) })
	server := &http.Server{
		Handler:           h,
		TLSConfig:         identity,
		ReadHeaderTimeout: h.patience() / 3,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10, // a token may be large
		ConnState:         limitConnections(mostConnections),
		ErrorLog:          log.New(panics{h.Fault}, "", 0),
	}
	ctx, end := context.WithCancel(ctx)
	var others errgroup.Group
	others.Go(func() error { return shutDown(ctx, server) })
	others.Go(func() error { return h.tidy(ctx) })
	var err error
	if identity != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	end()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err := errors.Join(err, others.Wait()); err != nil {
		return fmt.Errorf("serve registry: %w", err)
	}
	return nil
}

// shutDown waits for the end and then for the requests. Those that don't finish
// are cut off: their clients know how to go on.
func shutDown(ctx context.Context, server *http.Server) error {
	<-ctx.Done()
	grace, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close()
	}
	return err
}

// tidy has the registry put in order every hour.
func (h *Handler) tidy(ctx context.Context) error {
	hourly := time.NewTicker(time.Hour)
	defer hourly.Stop()
	for {
		select {
		case now := <-hourly.C:
			h.report(func() error { return h.Registry.Tidy(now) })
		case <-ctx.Done():
			return nil
		}
	}
}

// report does what must not keep us from serving: rubbish that stays harms
// nobody, and a damaged manifest is no reason to hide the others.
func (h *Handler) report(act func() error) {
	if err := act(); err != nil {
		h.Fault(err)
	}
}

// limitConnections closes what comes beyond the limit.
func limitConnections(most int64) func(net.Conn, http.ConnState) {
	var open atomic.Int64
	return func(conn net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			if open.Add(1) > most {
				conn.Close()
			}
		case http.StateClosed:
			open.Add(-1)
		}
	}
}

// panics takes what net/http would log, and passes on what is a fault of this
// program. The rest is of clients that hang up or speak no TLS.
type panics struct{ fault func(error) }

func (p panics) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("panic")) {
		p.fault(errors.New(string(line)))
	}
	return len(line), nil
}
