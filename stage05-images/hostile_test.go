package images

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// answer serves a manifest of the test's own.
func answer(mediaType string, body []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write(body)
		return true
	}
}

// editing serves the fixture's manifest after a change.
func editing(t *testing.T, f *fixture, change func(m *ocispec.Manifest)) func(http.ResponseWriter, *http.Request) bool {
	f.seal(t)
	manifest := f.manifest
	manifest.Layers = append([]ocispec.Descriptor{}, manifest.Layers...)
	change(&manifest)
	body, err := json.Marshal(manifest)
	require.NoError(t, err)
	return answer(f.mediaType, body)
}

// onBlob changes the answer for one blob.
func onBlob(d digest.Digest, act http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, d.String()) {
			return false
		}
		act(w, r)
		return true
	}
}

func TestWhatIsWrongIsRefusedAndNothingOfItIsKept(t *testing.T) {
	t.Parallel()
	type misbehave = func(http.ResponseWriter, *http.Request) bool
	other := func(d ocispec.Descriptor) digest.Digest { return d.Digest }
	for name, c := range map[string]struct {
		act  func(t *testing.T, f *fixture) misbehave
		says string
	}{
		"another layer under the digest": {func(t *testing.T, f *fixture) misbehave {
			layer := f.manifest.Layers[0]
			lie := bytes.Repeat([]byte("x"), int(layer.Size))
			return onBlob(layer.Digest, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(lie) })
		}, "turned out to be"},
		"a valid layer, but another one": {func(t *testing.T, f *fixture) misbehave {
			lie := gzipped(t, tarOf(t, "evil=1"))
			f.manifest.Layers[0].Size = int64(len(lie))
			return onBlob(f.manifest.Layers[0].Digest, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(lie) })
		}, "configuration says"},
		"a descriptor 5 bytes too small": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Size -= 5 })
		}, "its descriptor says"},
		"a descriptor 50000 bytes too big": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Size += 50000 })
		}, "its descriptor says"},
		"a descriptor too big, of a blob without a length": {func(t *testing.T, f *fixture) misbehave {
			f.seal(t)
			layer, data := f.manifest.Layers[0], f.blobs[other(f.manifest.Layers[0])]
			edited := editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Size += 50000 })
			return func(w http.ResponseWriter, r *http.Request) bool {
				return edited(w, r) || onBlob(layer.Digest, func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Range") != "" {
						w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
						return
					}
					w.(http.Flusher).Flush()
					_, _ = w.Write(data)
				})(w, r)
			}
		}, "shorter than"},
		"a negative size": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Size = -1 })
		}, "size of -1"},
		"a diffID that isn't the layer's": {func(t *testing.T, f *fixture) misbehave {
			f.config.RootFS.DiffIDs[0] = digest.FromString("something else")
			return nil
		}, "configuration says"},
		"more diffIDs than layers": {func(t *testing.T, f *fixture) misbehave {
			f.config.RootFS.DiffIDs = append(f.config.RootFS.DiffIDs, digest.FromString("one more"))
			return nil
		}, "names 2 layers, the manifest 1"},
		"a manifest of 8 MiB": {func(t *testing.T, f *fixture) misbehave {
			return answer(f.mediaType, append([]byte(`{"schemaVersion":2,"x":"`), bytes.Repeat([]byte("x"), 8<<20)...))
		}, "larger than 4 MiB"},
		"a manifest that isn't JSON": {func(t *testing.T, f *fixture) misbehave { return answer(f.mediaType, []byte("<html>")) }, "parse manifest"},
		"an empty manifest":          {func(t *testing.T, f *fixture) misbehave { return answer(f.mediaType, []byte("{}")) }, "schema version 0"},
		"200000 open brackets": {func(t *testing.T, f *fixture) misbehave {
			return answer(f.mediaType, bytes.Repeat([]byte("["), 200000))
		}, "parse manifest"},
		"a manifest that is an index too": {func(t *testing.T, f *fixture) misbehave {
			_, body := f.seal(t)
			return answer(f.mediaType, append(body[:len(body)-1], []byte(`,"manifests":[]}`)...))
		}, "something else at once"},
		"a manifest labelled as an index": {func(t *testing.T, f *fixture) misbehave {
			_, body := f.seal(t)
			return answer(registry.OCIIndex, body)
		}, "labelled"},
		"another Docker-Content-Digest": {func(t *testing.T, f *fixture) misbehave {
			_, body := f.seal(t)
			return func(w http.ResponseWriter, r *http.Request) bool {
				w.Header().Set("Docker-Content-Digest", digest.FromString("lie").String())
				return answer(f.mediaType, body)(w, r)
			}
		}, "labelled"},
		"a digest that is a path": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Digest = "sha256:../../etc/passwd" })
		}, "invalid digest"},
		"a digest by md5": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Digest = "md5:d41d8cd98f00b204e9800998ecf8427e" })
		}, "invalid digest"},
		"an artifact that is no image": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Config.MediaType = "application/vnd.cncf.helm.config.v1+json" })
		}, "no container image"},
		"a layer of an unknown kind": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].MediaType += "+encrypted" })
		}, "unknown kind of layer"},
		"501 layers": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) {
				for len(m.Layers) < 501 {
					m.Layers = append(m.Layers, m.Layers[0])
				}
			})
		}, "the kernel stacks 500"},
		"a config of 100 MiB": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Config.Size = 100 << 20 })
		}, "larger than 4 MiB"},
		"an image for another system": {func(t *testing.T, f *fixture) misbehave {
			f.config.OS = "windows"
			return nil
		}, "not for linux"},
		"a layer that climbs out": {func(t *testing.T, f *fixture) misbehave {
			evil := tarOf(t, "../../evil=1")
			f.config.RootFS.DiffIDs[0] = digest.FromBytes(evil)
			f.manifest.Layers[0] = f.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, evil))
			return nil
		}, "receive layer"},
		"110 MiB of zeros in 110 kB": {func(t *testing.T, f *fixture) misbehave {
			bomb := tarOf(t, "zeros="+strings.Repeat("\x00", 110<<20))
			f.config.RootFS.DiffIDs[0] = digest.FromBytes(bomb)
			f.manifest.Layers[0] = f.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, bomb))
			return nil
		}, "too big"},
		"a foreign layer": {func(t *testing.T, f *fixture) misbehave {
			f.manifest.Layers[0].URLs = []string{"http://127.0.0.1:1/layer"}
			delete(f.blobs, f.manifest.Layers[0].Digest)
			return nil
		}, "not found"},
		"escape sequences in the error": {func(t *testing.T, f *fixture) misbehave {
			return func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(http.StatusNotFound)
				_, _ = w.Write([]byte(`{"errors":[{"code":"X","message":"\u001b]0;owned\u0007"}]}`))
				return true
			}
		}, `\x1b]0;owned\a`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := madeImage(t, []string{"hello=world"})
			act := c.act(t, f)
			server := serve(t, f, act)
			s := newStore(t)
			before := contents(t, s)
			_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "\x1b")
			require.Equal(t, before, contents(t, s), "something is kept")
			require.Less(t, len(server.requests), 10)
		})
	}
}

// times answers the first n requests that match, and lets the others through.
func times(n int32, matches string, act http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var seen atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, matches) || seen.Add(1) > n {
			return false
		}
		act(w, r)
		return true
	}
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

// hangUp ends the connection in the middle of a blob.
func hangUp(f *fixture, after int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/")
		data := f.blobs[digest.Digest(parts[len(parts)-1])]
		from := 0
		if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); err == nil {
			w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
			w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
			w.WriteHeader(http.StatusPartialContent)
		} else {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		}
		_, _ = w.Write(data[from:min(len(data), from+after)])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

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
		"octet-stream": {func(f *fixture) misbehave {
			return func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/manifests/") {
					return false
				}
				desc, body := f.manifestBytes()
				_ = desc
				return answer("application/octet-stream", body)(w, r)
			}
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
