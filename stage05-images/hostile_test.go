package images

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

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
		}, "turned out to be"},
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
		"a layer of a terabyte": {func(t *testing.T, f *fixture) misbehave {
			return editing(t, f, func(m *ocispec.Manifest) { m.Layers[0].Size = 1 << 40 })
		}, "too big"},
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
			requireRefused(t, serve(t, f, c.act(t, f)), c.says)
		})
	}
}

// requireRefused pulls what is wrong in a way that the error must name. It
// costs the registry few requests and leaves nothing in the store.
func requireRefused(t *testing.T, server *served, says string) {
	t.Helper()
	s := newStore(t)
	before := contents(t, s)
	_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.ErrorContains(t, err, says)
	require.NotContains(t, err.Error(), "\x1b")
	require.Equal(t, before, contents(t, s), "something is kept")
	require.Less(t, len(server.requests), 12)
}
