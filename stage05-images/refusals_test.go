package images

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func TestWhatIsNoImageIsToldApart(t *testing.T) {
	t.Parallel()
	artifact := func(change func(m *ocispec.Manifest)) func(*testing.T, *fixture) func(http.ResponseWriter, *http.Request) bool {
		return func(t *testing.T, f *fixture) func(http.ResponseWriter, *http.Request) bool {
			return editing(t, f, change)
		}
	}
	for name, c := range map[string]struct {
		act  func(*testing.T, *fixture) func(http.ResponseWriter, *http.Request) bool
		says string
	}{
		"a Helm chart": {artifact(func(m *ocispec.Manifest) { m.Config.MediaType = "application/vnd.cncf.helm.config.v1+json" }),
			`it holds "application/vnd.cncf.helm.config.v1+json", no container image: a program for artifacts can fetch it`},
		"an artifact that says what it is": {artifact(func(m *ocispec.Manifest) { m.ArtifactType = "application/vnd.example.model" }),
			`it holds "application/vnd.example.model"`},
		"an artifact that doesn't": {artifact(func(m *ocispec.Manifest) { m.Config.MediaType = ocispec.MediaTypeEmptyJSON }),
			"an artifact of no named kind"},
		"schema 1, labelled": {func(*testing.T, *fixture) func(http.ResponseWriter, *http.Request) bool {
			return answer("application/vnd.docker.distribution.manifest.v1+prettyjws", []byte(`{"schemaVersion":1,"fsLayers":[]}`))
		}, "skopeo copy --format v2s2"},
		"schema 1 under another label": {func(*testing.T, *fixture) func(http.ResponseWriter, *http.Request) bool {
			return answer(registry.DockerManifest, []byte(`{"schemaVersion":1,"fsLayers":[]}`))
		}, "skopeo copy --format v2s2"},
		"a page for people": {func(*testing.T, *fixture) func(http.ResponseWriter, *http.Request) bool {
			return answer("text/html", []byte(`<html>Please accept the terms of this hotel</html>`))
		}, "parse manifest"},
		"JSON of another world": {func(*testing.T, *fixture) func(http.ResponseWriter, *http.Request) bool {
			return answer("application/json", []byte(`{"hello":"world"}`))
		}, `unknown kind of manifest ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := madeImage(t, []string{"hello=world"})
			requireRefused(t, serve(t, f, c.act(t, f)), c.says)
		})
	}
}

// indexed serves an index under the tag, and the fixture's manifest under its
// own digest.
func indexed(t *testing.T, f *fixture, entry func(*ocispec.Descriptor)) func(http.ResponseWriter, *http.Request) bool {
	desc, _ := f.seal(t)
	desc.Platform = &ocispec.Platform{OS: "linux", Architecture: "amd64"}
	entry(&desc)
	index := indexOf(t, desc)
	return func(w http.ResponseWriter, r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/manifests/1") && answer(registry.OCIIndex, index)(w, r)
	}
}

func TestAnIndexThatLiesIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		entry func(*ocispec.Descriptor)
		says  string
	}{
		"of the size":        {func(d *ocispec.Descriptor) { d.Size++ }, "isn't what the index says"},
		"of the type":        {func(d *ocispec.Descriptor) { d.MediaType = registry.DockerManifest }, "isn't what the index says"},
		"of the digest":      {func(d *ocispec.Descriptor) { d.Digest = digest.FromString("another") }, "manifest is sha256:"},
		"by a path":          {func(d *ocispec.Descriptor) { d.Digest = "sha256:../../etc/passwd" }, "invalid digest"},
		"by a negative size": {func(d *ocispec.Descriptor) { d.Size = -1 }, "size of -1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := madeImage(t, []string{"hello=world"})
			requireRefused(t, serve(t, f, indexed(t, f, c.entry)), c.says)
		})
	}
}

// A digest can't hold itself, so that such an index is long but not endless;
// each of these holds the next.
func TestIndexesInIndexesEndSomewhere(t *testing.T) {
	t.Parallel()
	chain := map[string][]byte{}
	body := indexOf(t)
	for range 100 {
		inner := ocispec.Descriptor{MediaType: registry.OCIIndex, Digest: digest.FromBytes(body), Size: int64(len(body))}
		chain[inner.Digest.String()] = body
		body = indexOf(t, inner)
	}
	requireRefused(t, serve(t, madeImage(t), func(w http.ResponseWriter, r *http.Request) bool {
		_, ref, _ := strings.Cut(r.URL.Path, "/manifests/")
		if inner, ok := chain[ref]; ok {
			return answer(registry.OCIIndex, inner)(w, r)
		}
		return answer(registry.OCIIndex, body)(w, r)
	}), "no image for linux/amd64")
}

func TestWhatIsEndlessIsReadToItsLimit(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		block := []byte(strings.Repeat(" ", 1<<20))
		for range 64 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
		t.Error("somebody has read 64 MiB")
	}
	for part, says := range map[string]string{"/manifests/": "larger than 4 MiB", "layer": "turned out to be", "config": "turned out to be"} {
		f := madeImage(t, []string{"hello=world"})
		f.seal(t)
		switch part {
		case "layer":
			part = f.manifest.Layers[0].Digest.String()
		case "config":
			part = f.manifest.Config.Digest.String()
		}
		requireRefused(t, serve(t, f, times(5, part, endless)), says)
	}
}

func TestTheWrongPartOfABlobIsRefused(t *testing.T) {
	t.Parallel()
	for _, claim := range []string{"bytes 0-9/10", "bytes 99999-100000/100001", "", "pages 1-2"} {
		f := madeImage(t, []string{"big=" + noise(400_000)})
		layer := f.manifest.Layers[0].Digest
		first := times(1, layer.String(), hangUp(f, 100_000))
		server := serve(t, f, func(w http.ResponseWriter, r *http.Request) bool {
			return first(w, r) || onBlob(layer, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Range", claim)
				w.WriteHeader(http.StatusPartialContent)
			})(w, r)
		})
		requireRefused(t, server, fmt.Sprintf("asked for bytes from 100000 on, got %q", claim))
	}
}

func TestOneTypeIsNotTakenForAnother(t *testing.T) {
	body, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": registry.OCIIndex, "manifests": []any{}})
	require.NoError(t, err)
	for _, label := range []string{registry.OCIManifest, registry.DockerManifest, registry.DockerIndex, registry.OCIManifest + "; charset=utf-8"} {
		requireRefused(t, serve(t, madeImage(t), answer(label, body)), "labelled")
	}
}
