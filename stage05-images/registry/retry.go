package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"
)

// tries is how often a request is made before its failure is believed. A
// silence, which costs half a minute each time, counts for three.
const tries = 5

// weight is what a failure counts.
func weight(err error) int {
	var timeout net.Error
	if errors.Is(err, errNoProgress) || errors.As(err, &timeout) && timeout.Timeout() {
		return 3
	}
	return 1
}

// worthwhile is how many bytes a connection must have brought to count as a
// success before it broke: at a byte each there would be a request per byte.
const worthwhile = 64 << 10

// ErrInterrupted marks a failure of the way, not of the content: the same
// request may succeed later, and what was received so far is worth keeping.
var ErrInterrupted = errors.New("connection to the registry broke")

// retry makes a request until it gets an answer that counts. Too many requests
// (429), an overloaded server (5xx) and a broken connection don't; a refusal
// (4xx) does, and comes back as a response for the caller to judge.
func retry(ctx context.Context, ask func() (*http.Response, error)) (*http.Response, error) {
	for try, spent := 1, 0; ; try++ {
		resp, err := ask()
		spent += weight(err)
		if !transient(resp, err) || spent >= tries || ctx.Err() != nil {
			return resp, err
		}
		delay := backoff(try)
		if resp != nil {
			delay = max(delay, retryAfter(resp.Header.Get("Retry-After"), time.Now()))
			resp.Body.Close()
		}
		if err := pause(ctx, delay); err != nil {
			return nil, err
		}
	}
}

// transient reports whether asking again may help. A refused connection, or a
// name that doesn't exist, is a wrong address far more often than a registry
// that restarts: that answer shouldn't take three seconds.
func transient(resp *http.Response, err error) bool {
	if err != nil {
		var lookup *net.DNSError
		nobody := errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &lookup) && lookup.IsNotFound
		return errors.Is(err, ErrInterrupted) && !nobody
	}
	return resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500
}

// backoff returns how long to wait after the n-th failure: 0.2 s, 0.4 s, 0.8 s
// and so on, with a random half of it, so that a thousand clients that failed
// together don't come back together.
func backoff(n int) time.Duration {
	full := 200 * time.Millisecond << (n - 1)
	return full/2 + rand.N(full/2)
}

// retryAfter reads a Retry-After header, seconds or a date (RFC 9110, section
// 10.2.3). Half a minute is the most that a registry can make us wait.
func retryAfter(header string, now time.Time) time.Duration {
	const most = 30 * time.Second
	if seconds, err := strconv.Atoi(header); err == nil {
		return min(max(0, time.Duration(min(seconds, 60))*time.Second), most)
	}
	if date, err := http.ParseTime(header); err == nil {
		return min(max(0, date.Sub(now)), most)
	}
	return 0
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
