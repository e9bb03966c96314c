package images

import (
	"context"
	"cooper/stage05-images/registry"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestARegistryThatStumblesIsWaitedFor(t *testing.T) {
	t.Parallel()
	// Random text, since what gzip shrinks to nothing can't be cut in pieces.
	big := "big=" + noise(600_000)
	type misbehave = func(http.ResponseWriter, *http.Request) bool
	for name, c := range map[string]struct {
		act  func(f *fixture) misbehave
		most time.Duration
	}{
		"429 with Retry-After": {func(*fixture) misbehave { return times(1, "/manifests/", status(429, "Retry-After", "1")) }, 25 * time.Second},
		"503 twice":            {func(*fixture) misbehave { return times(2, "/manifests/", status(503)) }, 25 * time.Second},
		"500 three times":      {func(*fixture) misbehave { return times(3, "/blobs/", status(500)) }, 25 * time.Second},
		"429 on a blob":        {func(*fixture) misbehave { return times(1, "/blobs/", status(429)) }, 25 * time.Second},
		"reset": {func(*fixture) misbehave {
			return times(1, "/manifests/", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}, 25 * time.Second},
		"cut off every 100 kB": {func(f *fixture) misbehave { return times(4, f.manifest.Layers[0].Digest.String(), hangUp(f, 100_000)) }, 25 * time.Second},
		"cut off, Range ignored": {func(f *fixture) misbehave {
			first := times(1, f.manifest.Layers[0].Digest.String(), hangUp(f, 100_000))
			return func(w http.ResponseWriter, r *http.Request) bool {
				if first(w, r) {
					return true
				}
				r.Header.Del("Range")
				return false
			}
		}, 25 * time.Second},
		"cut off earlier each time, Range ignored": {func(f *fixture) misbehave {
			after := 300_000
			cut := times(3, f.manifest.Layers[0].Digest.String(), func(w http.ResponseWriter, r *http.Request) {
				after -= 50_000 // one request after the other
				hangUp(f, after)(w, r)
			})
			return func(w http.ResponseWriter, r *http.Request) bool {
				r.Header.Del("Range")
				return cut(w, r)
			}
		}, 25 * time.Second},
		"octet-stream":    {func(f *fixture) misbehave { return labelled(f, "application/octet-stream") }, 25 * time.Second},
		"plain text":      {func(f *fixture) misbehave { return labelled(f, "text/plain; charset=utf-8") }, 25 * time.Second},
		"no type":         {func(f *fixture) misbehave { return labelled(f, "") }, 25 * time.Second},
		"no length":       {func(*fixture) misbehave { return withoutLength }, 25 * time.Second},
		"a pause":         {pausing, 25 * time.Second},
		"another host":    {elsewhere(t), 25 * time.Second},
		"a gateway error": {func(*fixture) misbehave { return times(2, "", status(504, "Retry-After", "0")) }, 25 * time.Second},
		"login server down twice": {func(*fixture) misbehave {
			down := times(2, "/token", status(503))
			return func(w http.ResponseWriter, r *http.Request) bool { return down(w, r) || wantsToken(w, r) }
		}, 25 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := madeImage(t, []string{"hello=world", big})
			server := serve(t, f, c.act(f))
			s := newStore(t)
			start := time.Now()
			img, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
			require.NoError(t, err)
			require.Less(t, time.Since(start), c.most)
			require.Equal(t, "world", readLayerFile(t, s, img, "hello"))
		})
	}
}

func TestARegistryThatSaysWhenIsNotAskedBefore(t *testing.T) {
	t.Parallel()
	start := time.Now()
	server := serve(t, madeImage(t, []string{"hello=world"}), times(1, "/manifests/", status(429, "Retry-After", "2")))
	_, err := Pull(context.Background(), newStore(t), server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(start), 2*time.Second)
	require.Equal(t, 2, server.count("GET", "/manifests/"))
}

func TestARegistryWithoutHEADIsAskedByGET(t *testing.T) {
	t.Parallel()
	server := serve(t, madeImage(t, []string{"hello=world"}), func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		return r.Method == http.MethodHead
	})
	s := newStore(t)
	for range 2 {
		_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
		require.NoError(t, err)
	}
	require.Equal(t, 2, server.count("GET", "/manifests/"))
	require.Equal(t, 2, server.count("GET", "/blobs/"), "the second pull fetched nothing")
}

func TestARegistryThatStaysDownIsGivenUp(t *testing.T) {
	t.Parallel()
	server := serve(t, madeImage(t, []string{"hello=world"}), func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadGateway)
		return true
	})
	_, err := Pull(context.Background(), newStore(t), server.host()+"/x:1", PullOptions{})
	require.ErrorContains(t, err, "502 Bad Gateway")
	require.Equal(t, 5, server.count("GET", ""))
}

func TestARegistryThatNeverAnswersIsAskedTwice(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	server := serve(t, madeImage(t, []string{"hello=world"}), func(http.ResponseWriter, *http.Request) bool {
		<-done
		return true
	})
	t.Cleanup(func() { close(done) })
	s := newStore(t)
	_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{Patience: 50 * time.Millisecond})
	require.ErrorIs(t, err, registry.ErrInterrupted)
	require.ErrorContains(t, err, "no progress")
	require.Equal(t, 2, server.count("GET", ""), "each time costs half a minute")
	requireClean(t, s)
}

func TestASilentRegistryIsLeftAfterAWhile(t *testing.T) {
	t.Parallel()
	f := madeImage(t, []string{"hello=world", "big=" + noise(300_000)})
	done := make(chan struct{})
	server := serve(t, f, onBlob(f.manifest.Layers[0].Digest, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(f.blobs[f.manifest.Layers[0].Digest][:1000])
		w.(http.Flusher).Flush()
		<-done
	}))
	t.Cleanup(func() { close(done) }) // before the server's own clean-up, which waits
	s := newStore(t)
	_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{Patience: 50 * time.Millisecond})
	require.ErrorIs(t, err, registry.ErrInterrupted)
	require.ErrorContains(t, err, "no progress")
}

func TestACancelledPullReturnsAtOnceAndCanBeTakenUp(t *testing.T) {
	t.Parallel()
	f := madeImage(t, []string{"hello=world", "big=" + noise(300_000)})
	layer := f.manifest.Layers[0]
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	server := serve(t, f, times(1, layer.Digest.String(), func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(f.blobs[layer.Digest][:200_000])
		w.(http.Flusher).Flush()
		<-done
	}))
	t.Cleanup(func() { close(done) })
	s := newStore(t)
	watched := watching(func(_, _ string, n, _ int64) {
		if n == 200_000 {
			cancel()
		}
	})
	start := time.Now()
	_, err := Pull(ctx, s, server.host()+"/x:1", PullOptions{Progress: watched})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(start), 10*time.Second)

	_, err = Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, server.count("GET", layer.Digest.String()+" bytes=200000-"))
	require.Equal(t, 2, server.count("GET", layer.Digest.String()))
}

type watching func(id, state string, done, total int64)

func (watching) Say(string)                                  {}
func (f watching) Layer(id, state string, done, total int64) { f(id, state, done, total) }

func TestAnEndless401IsBelieved(t *testing.T) {
	t.Parallel()
	server := serve(t, madeImage(t, []string{"hello=world"}), func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
		if r.URL.Path == "/token" {
			_, _ = w.Write([]byte(`{"token":"abc"}`))
			return true
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	_, err := Pull(context.Background(), newStore(t), server.host()+"/x:1", PullOptions{})
	require.True(t, errors.Is(err, registry.ErrUnauthorized))
	require.Equal(t, 2, server.count("GET", "/manifests/"))
	require.Equal(t, 1, server.count("GET", "/token"))
}
