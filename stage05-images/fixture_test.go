package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage05-images/registry"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// fixture is an image made by hand: its documents, and the blobs behind them.
type fixture struct {
	mediaType string // of the manifest
	manifest  ocispec.Manifest
	config    Config
	blobs     map[digest.Digest][]byte
}

// madeImage makes an image with one layer for each list of files, a file being
// "name=content".
func madeImage(t testing.TB, layers ...[]string) *fixture {
	t.Helper()
	var archives [][]byte
	for _, files := range layers {
		archives = append(archives, tarOf(t, files...))
	}
	return imageOf(t, archives...)
}

// imageOf makes an image of layers that are archives.
func imageOf(t testing.TB, layers ...[]byte) *fixture {
	t.Helper()
	f := &fixture{mediaType: registry.OCIManifest, blobs: map[digest.Digest][]byte{}}
	f.config.OS, f.config.Architecture = "linux", "amd64"
	f.config.RootFS.Type = "layers"
	f.manifest.SchemaVersion = 2
	for _, layer := range layers {
		f.config.RootFS.DiffIDs = append(f.config.RootFS.DiffIDs, digest.FromBytes(layer))
		f.manifest.Layers = append(f.manifest.Layers, f.blob(ocispec.MediaTypeImageLayerGzip, gzipped(t, layer)))
	}
	return f
}

func (f *fixture) blob(mediaType string, data []byte) ocispec.Descriptor {
	d := digest.FromBytes(data)
	f.blobs[d] = data
	return ocispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

// seal writes the configuration and the manifest, and returns the latter.
func (f *fixture) seal(t testing.TB) (ocispec.Descriptor, []byte) {
	t.Helper()
	config, err := json.Marshal(f.config)
	require.NoError(t, err)
	f.manifest.Config = f.blob(ocispec.MediaTypeImageConfig, config)
	f.manifest.MediaType = f.mediaType
	body, err := json.Marshal(f.manifest)
	require.NoError(t, err)
	return ocispec.Descriptor{MediaType: f.mediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}, body
}

func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, file := range files {
		name, content, _ := strings.Cut(file, "=")
		require.NoError(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: time.Unix(1e9, 0)}))
		_, err := w.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func zstdPacked(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	return w.EncodeAll(data, nil)
}

// served is a registry on httptest that says what a test makes it say.
type served struct {
	*httptest.Server
	lock     sync.Mutex
	requests []string // "GET /v2/x/blobs/sha256:… bytes=100-"
}

// serve runs a registry with one image under the name x:1. A request goes to
// misbehave first, which reports whether it has answered it.
func serve(t testing.TB, f *fixture, misbehave func(w http.ResponseWriter, r *http.Request) bool) *served {
	t.Helper()
	desc, body := f.seal(t)
	s := &served{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lock.Lock()
		s.requests = append(s.requests, r.Method+" "+r.URL.Path+" "+r.Header.Get("Range"))
		s.lock.Unlock()
		if misbehave != nil && misbehave(w, r) {
			return
		}
		if strings.Contains(r.URL.Path, "/manifests/") {
			w.Header().Set("Content-Type", desc.MediaType)
			w.Header().Set("Docker-Content-Digest", desc.Digest.String())
			_, _ = w.Write(body)
			return
		}
		data, ok := f.blobs[digest.Digest(filepath.Base(r.URL.Path))]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *served) host() string {
	u, _ := url.Parse(s.URL)
	return u.Host
}

func (s *served) count(method, part string) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	n := 0
	for _, request := range s.requests {
		if strings.HasPrefix(request, method+" ") && strings.Contains(request, part) {
			n++
		}
	}
	return n
}

// newStore opens a store of the test's own. Layers have owners, and giving files
// away takes root.
func newStore(t testing.TB) *Store {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	s, err := OpenStore(filepath.Join(t.TempDir(), "images"))
	require.NoError(t, err)
	return s
}

// contents lists every file of a store with its size, but the lock and the spare.
func contents(t testing.TB, s *Store) []string {
	t.Helper()
	var list []string
	require.NoError(t, filepath.WalkDir(s.Dir(), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() && filepath.Dir(path) == s.Dir() || entry.Name() == "lock" || entry.Name() == "spare" {
			return err
		}
		info, err := entry.Info()
		list = append(list, fmt.Sprintf("%s %d", strings.TrimPrefix(path, s.Dir()), info.Size()))
		return err
	}))
	return list
}

func readLayerFile(t testing.TB, s *Store, img *Image, name string) string {
	t.Helper()
	for _, dir := range s.LayerDirs(img) {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return string(data)
		}
	}
	t.Fatalf("no layer has %s", name)
	return ""
}

func (f *fixture) manifestBytes() (ocispec.Descriptor, []byte) {
	body, _ := json.Marshal(f.manifest)
	return ocispec.Descriptor{MediaType: f.mediaType, Digest: digest.FromBytes(body), Size: int64(len(body))}, body
}

// noise is text that can't be compressed, the same every time.
func noise(n int) string {
	random := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(' ' + random.IntN(90))
	}
	return string(b)
}
