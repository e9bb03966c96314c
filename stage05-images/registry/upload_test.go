package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
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

func TestAnUploadTakesTwoRequests(t *testing.T) {
	for _, text := range []string{"blob", ""} {
		s := &sessions{}
		requests, err := s.uploading(t, content(text))
		require.NoError(t, err)
		require.Equal(t, []string{"POST", "PUT"}, requests)
		require.Equal(t, text, s.blob)
	}
}

func TestABrokenUploadGoesOnWhereItBroke(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	s := &sessions{}
	s.breaks(2, 50_000)
	requests, err := s.uploading(t, content(text))
	require.NoError(t, err)
	require.Equal(t, text, s.blob)
	require.Equal(t, []string{"POST", "PUT", "HEAD", "GET", "PUT 50000-199999", "HEAD", "GET", "PUT 100000-199999"}, requests)
}

func TestAnUploadToAForgetfulRegistryBeginsAnew(t *testing.T) {
	text := strings.Repeat("0123456789", 20_000)
	s := &sessions{forgetful: true}
	s.breaks(1, 50_000)
	requests, err := s.uploading(t, content(text))
	require.NoError(t, err)
	require.Equal(t, text, s.blob)
	require.Equal(t, []string{"POST", "PUT", "HEAD", "GET", "POST", "PUT"}, requests)
}

func TestALostAnswerIsNoLostUpload(t *testing.T) {
	s := &sessions{}
	s.stumble = func(_ int, _ http.ResponseWriter, r *http.Request) bool {
		data, _ := io.ReadAll(r.Body)
		s.blob = string(data)
		panic(http.ErrAbortHandler)
	}
	requests, err := s.uploading(t, content("blob"))
	require.NoError(t, err)
	require.Equal(t, []string{"POST", "PUT", "HEAD"}, requests)
}

func TestAnUploadThatAlwaysBreaksIsGivenUp(t *testing.T) {
	s := &sessions{}
	s.breaks(1000, 0)
	requests, err := s.uploading(t, content("blob"))
	require.ErrorIs(t, err, ErrInterrupted)
	require.Len(t, requests, 1+5+4*2, "a session, five tries, and four looks at what was left")

	s = &sessions{stumble: func(_ int, w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}}
	requests, err = s.uploading(t, content("blob"))
	require.ErrorContains(t, err, "503")
	require.Len(t, requests, 14)
}

func TestAProxyThatTakesNoLargeBodyGetsPieces(t *testing.T) {
	text := strings.Repeat("0123456789", 250_000)
	for least, sizes := range map[string][]string{
		"":           {"POST", "PUT", "POST", "PATCH 0-1044479", "PATCH 1044480-2088959", "PUT 2088960-2499999"},
		"2000000":    {"POST", "PUT", "POST", "PATCH 0-1999999", "PUT 2000000-2499999"},
		"9999999999": {"POST", "PUT", "POST", "PATCH 0-1044479", "PATCH 1044480-2088959", "PUT 2088960-2499999"},
	} {
		s := &sessions{most: 2_000_000, least: least}
		c, opened := content(text), 0
		requests, err := s.uploading(t, Content{Descriptor: c.Descriptor, Open: func(offset int64) (io.ReadCloser, error) {
			opened++
			return c.Open(offset)
		}})
		require.NoError(t, err)
		require.Equal(t, text, s.blob)
		require.Equal(t, sizes, requests, "at least %q", least)
		require.Equal(t, 2, opened, "once for the first try, once for all pieces")
	}
	s := &sessions{most: 1}
	requests, err := s.uploading(t, content(text))
	require.ErrorIs(t, err, errTooLarge)
	require.Len(t, requests, 4)
}

func TestARefusedUploadIsNotTriedAgain(t *testing.T) {
	s := &sessions{}
	lie := content("blob")
	lie.Digest = digest.FromString("another")
	requests, err := s.uploading(t, lie)
	require.ErrorContains(t, err, "400")
	require.Equal(t, []string{"POST", "PUT"}, requests)
}

func TestARegistryThatWillNotMountGetsTheBytes(t *testing.T) {
	for _, answer := range []int{http.StatusAccepted, http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnauthorized} {
		s, asked := &sessions{bytes: map[string]string{}}, ""
		r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("mount") == "" || answer == http.StatusAccepted {
				s.ServeHTTP(w, r)
				return
			}
			asked = r.URL.Query().Get("from")
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://169.254.169.254/token"`) // refused without being asked
			w.WriteHeader(answer)
		})))
		c := content("blob")
		c.From = "other"
		mounted, err := r.Upload(context.Background(), c)
		require.NoError(t, err, answer)
		require.False(t, mounted)
		require.Equal(t, "blob", s.blob)
		require.Equal(t, answer != http.StatusAccepted, asked == "other")
	}
}

func TestASessionsRangeIsRead(t *testing.T) {
	for header, want := range map[string]int64{"0-999": 1000, "bytes=0-999": 1000, "0-0": 0, "": -1, "0-": -1, "5-9": -1, "0--5": -1, "x": -1} {
		n, ok := received(header)
		require.Equal(t, want >= 0, ok, header)
		require.Equal(t, max(0, want), n, header)
	}
}

func TestAnUploadIsNotSentFromTLSToPlainHTTP(t *testing.T) {
	request := &http.Request{URL: &url.URL{Scheme: "https", Host: "registry.example", Path: "/v2/x/blobs/uploads/"}}
	for location, ok := range map[string]bool{
		"/v2/x/blobs/uploads/1": true, "https://storage.example/1": true, "http://registry.example/1": false, "ftp://x/1": false, "": false, "http://%zz": false,
	} {
		_, err := nextAddress(&http.Response{Request: request, Header: http.Header{"Location": {location}}})
		require.Equal(t, ok, err == nil, location)
	}
}
