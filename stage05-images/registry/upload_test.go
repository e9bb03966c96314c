package registry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

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

// Each time the registry says that it has two bytes more, or fewer again.
func TestAnUploadThatHardlyMovesIsGivenUp(t *testing.T) {
	for _, next := range []func(had int) int{func(had int) int { return had + 2 }, func(had int) int { return 199_998 - had }} {
		s, requests, had := &sessions{bytes: map[string]string{}}, 0, 2
		r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			switch r.Method {
			case http.MethodGet:
				had = next(had)
				w.Header().Set("Range", fmt.Sprintf("0-%d", had-1))
			case http.MethodPut:
				w.WriteHeader(http.StatusServiceUnavailable)
			default:
				s.ServeHTTP(w, r)
			}
		})))
		_, err := r.Upload(context.Background(), content(strings.Repeat("0123456789", 20_000)))
		require.ErrorIs(t, err, ErrInterrupted)
		require.LessOrEqual(t, requests, 30)
	}
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
