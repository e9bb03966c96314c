package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

func content(text string) Content {
	return Content{
		Descriptor: ocispec.Descriptor{Digest: digest.FromString(text), Size: int64(len(text))},
		Open: func(offset int64) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text[offset:])), nil
		},
	}
}

// sessions is a registry's side of an upload. It keeps what a broken request
// brought, as the specification allows it to, unless it is forgetful.
type sessions struct {
	lock      sync.Mutex
	requests  []string
	bytes     map[string]string // by session
	blob      string
	forgetful bool
	least     string // OCI-Chunk-Min-Length
	most      int64  // of a body; more is 413

	// stumble may answer a request that carries bytes, or break it.
	stumble func(n int, w http.ResponseWriter, r *http.Request) bool
	bodies  int
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.Header.Get("Content-Range")))
	id := strings.TrimPrefix(r.URL.Path, "/v2/x/blobs/uploads/")
	switch r.Method {
	case http.MethodHead:
		if s.blob == "" {
			w.WriteHeader(http.StatusNotFound)
		}
	case http.MethodPost:
		id = fmt.Sprint("session", len(s.bytes))
		s.bytes[id] = ""
		w.Header().Set("OCI-Chunk-Min-Length", s.least)
		w.Header().Set("Location", id+"?state=kept") // relative
		w.WriteHeader(http.StatusAccepted)
	case http.MethodGet:
		if s.forgetful {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Range", fmt.Sprintf("0-%d", max(0, len(s.bytes[id])-1)))
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch, http.MethodPut:
		s.receive(w, r, id)
	}
}

func (s *sessions) receive(w http.ResponseWriter, r *http.Request, id string) {
	if s.most > 0 && r.ContentLength > s.most {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if from := r.Header.Get("Content-Range"); from != "" && !strings.HasPrefix(from, fmt.Sprintf("%d-", len(s.bytes[id]))) {
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	s.bodies++
	if s.stumble != nil && s.stumble(s.bodies, w, r) {
		return
	}
	data, _ := io.ReadAll(r.Body)
	s.bytes[id] += string(data)
	if r.Method == http.MethodPatch {
		w.Header().Set("Location", r.URL.String())
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if r.URL.Query().Get("digest") != digest.FromString(s.bytes[id]).String() || r.URL.Query().Get("state") != "kept" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.blob = s.bytes[id]
	w.WriteHeader(http.StatusCreated)
}

// uploading runs an upload against such a registry and returns its requests.
func (s *sessions) uploading(t *testing.T, c Content) ([]string, error) {
	t.Helper()
	s.bytes = map[string]string{}
	_, err := repository(t, httptest.NewServer(s)).Upload(context.Background(), c)
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.requests, err
}

// breaks reads n bytes of the first bodies and ends the connection.
func (s *sessions) breaks(bodies int, n int64) {
	s.stumble = func(body int, _ http.ResponseWriter, r *http.Request) bool {
		if body > bodies {
			return false
		}
		data, _ := io.ReadAll(io.LimitReader(r.Body, n))
		id := strings.TrimPrefix(r.URL.Path, "/v2/x/blobs/uploads/")
		s.bytes[id] += string(data)
		panic(http.ErrAbortHandler)
	}
}
