package server

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	images "cooper/stage05-images"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// running is a server for one test, in a directory of its own.
type running struct {
	t    testing.TB
	dir  string
	host string
	url  string
	stop func() error
}

// start runs a server on a free port. The test ends it at the latest.
func start(t testing.TB, dir string, change func(*Handler)) *running {
	t.Helper()
	return startWith(t, dir, nil, change)
}

func startWith(t testing.TB, dir string, identity *tls.Config, change func(*Handler)) *running {
	t.Helper()
	reg, err := images.OpenRegistry(dir, false)
	require.NoError(t, err)
	h := &Handler{Registry: reg, Fault: func(err error) { t.Error("the registry's own fault:", err) }}
	if change != nil {
		change(h)
	}
	return run(t, h, identity)
}

func run(t testing.TB, h *Handler, identity *tls.Config) *running {
	t.Helper()
	listener, err := Listen("127.0.0.1:0", false)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- h.Serve(ctx, listener, identity) }()
	s := &running{t: t, dir: h.Registry.Dir(), host: listener.Addr().String()}
	s.url = "http://" + s.host
	stopped := false
	s.stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-served
	}
	t.Cleanup(func() { require.NoError(t, s.stop()) })
	return s
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// do makes one request; headers are "Name: value".
func (s *running) do(method, path, body string, headers ...string) answer {
	s.t.Helper()
	return s.stream(method, path, strings.NewReader(body), headers...)
}

func (s *running) stream(method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	address := path
	if strings.HasPrefix(path, "/") {
		address = s.url + path
	}
	req, err := http.NewRequest(method, address, body)
	require.NoError(s.t, err)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
		if name == "Host" {
			req.Host = value
		}
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(s.t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err)
	return answer{resp, string(data)}
}

// want compares the status, and for a refusal the code in the body.
func (a answer) want(t testing.TB, status int, code ...string) answer {
	t.Helper()
	require.Equal(t, status, a.StatusCode, a.body)
	if len(code) > 0 && a.Request.Method != "HEAD" {
		var refusal struct {
			Errors []struct{ Code, Message string }
		}
		require.NoError(t, json.Unmarshal([]byte(a.body), &refusal), a.body)
		require.Equal(t, code[0], refusal.Errors[0].Code, a.body)
		require.NotEmpty(t, refusal.Errors[0].Message)
	}
	return a
}

func digestOf(content string) string { return digest.FromString(content).String() }

// push sends a blob in one request.
func (s *running) push(repository, content string) ocispec.Descriptor {
	s.t.Helper()
	s.do("POST", "/v2/"+repository+"/blobs/uploads/?digest="+digestOf(content), content).want(s.t, 201)
	return describing("application/octet-stream", content)
}

func describing(mediaType, content string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromString(content), Size: int64(len(content))}
}

// manifestOf writes a manifest of a config and layers, and whatever change adds.
func manifestOf(config ocispec.Descriptor, change func(*ocispec.Manifest), layers ...ocispec.Descriptor) string {
	m := ocispec.Manifest{MediaType: registry.OCIManifest, Config: config, Layers: layers}
	m.SchemaVersion = 2
	if change != nil {
		change(&m)
	}
	return encode(m)
}

func indexOf(list ...ocispec.Descriptor) string {
	index := ocispec.Index{MediaType: registry.OCIIndex, Manifests: list}
	index.SchemaVersion = 2
	return encode(index)
}

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// pushImage pushes a manifest with a config and one layer, both made up, and
// returns it.
func (s *running) pushImage(repository, ref, content string) string {
	s.t.Helper()
	config := s.push(repository, encode(map[string]string{"config of": content}))
	config.MediaType = ocispec.MediaTypeImageConfig
	manifest := manifestOf(config, nil, s.push(repository, content))
	s.put(repository, ref, manifest).want(s.t, 201)
	return manifest
}

func (s *running) put(repository, ref, manifest string) answer {
	s.t.Helper()
	return s.do("PUT", "/v2/"+repository+"/manifests/"+ref, manifest)
}

// blobs lists the blobs on the disk.
func (s *running) blobs() (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.dir, "blobs", "sha256"))
	require.NoError(s.t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// files lists what is in a directory of the layout.
func (s *running) files(dir string) (names []string) {
	entries, _ := os.ReadDir(filepath.Join(s.dir, dir))
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// newImage makes an image of one file in a store.
func newImage(t testing.TB, s *images.Store, name, file, content string) *images.Image {
	t.Helper()
	var layer bytes.Buffer
	out := tar.NewWriter(&layer)
	require.NoError(t, out.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: int64(len(content))}))
	_, err := out.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, out.Close())
	img, err := s.Commit(context.Background(), images.CommitOptions{Layer: &layer, Name: name})
	require.NoError(t, err)
	return img
}

func describedConfig(content string) ocispec.Descriptor {
	config := describing(ocispec.MediaTypeImageConfig, encode(map[string]string{"config of": content}))
	return config
}

// certificate makes a key and a certificate that it signed itself, in PEM.
func certificate(t testing.TB) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"registry.example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	secret, err := x509.MarshalECPrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
}
