package registry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// A PATCH adds to what its session has. So one that broke off isn't sent again
// there, but in a new session.
func TestAnUploadThatBreaksBeginsAnew(t *testing.T) {
	for name, stumble := range map[string]http.HandlerFunc{
		"the connection breaks": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.CopyN(io.Discard, r.Body, 2)
			panic(http.ErrAbortHandler)
		},
		"503": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
	} {
		t.Run(name, func(t *testing.T) {
			sessions, patches, whole := 0, map[string]int{}, ""
			r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.Method {
				case http.MethodHead:
					w.WriteHeader(http.StatusMethodNotAllowed)
				case http.MethodPost:
					sessions++
					w.Header().Set("Location", "session"+strings.Repeat("x", sessions)+"?state=kept") // relative
					w.WriteHeader(http.StatusAccepted)
				case http.MethodPatch:
					patches[r.URL.Path]++
					if sessions == 1 {
						stumble(w, r)
						return
					}
					data, _ := io.ReadAll(r.Body)
					whole = string(data)
					w.Header().Set("Location", r.URL.String())
					w.WriteHeader(http.StatusAccepted)
				case http.MethodPut:
					require.Equal(t, "kept", r.URL.Query().Get("state"))
					require.Equal(t, digest.FromString("blob").String(), r.URL.Query().Get("digest"))
					w.WriteHeader(http.StatusCreated)
				}
			})))
			desc := ocispec.Descriptor{Digest: digest.FromString("blob"), Size: 4}
			there, err := r.HasBlob(context.Background(), desc.Digest)
			require.NoError(t, err, "a registry without HEAD")
			require.False(t, there)
			require.NoError(t, r.Upload(context.Background(), desc, func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("blob")), nil
			}))
			require.Equal(t, "blob", whole)
			require.Equal(t, 2, sessions)
			require.Equal(t, map[string]int{"/v2/x/blobs/uploads/sessionx": 1, "/v2/x/blobs/uploads/sessionxx": 1}, patches)
		})
	}
}

func TestAnUploadIsNotSentFromTLSToPlainHTTP(t *testing.T) {
	request, err := http.NewRequest(http.MethodPost, "https://registry.example/v2/x/blobs/uploads/", nil)
	require.NoError(t, err)
	for location, ok := range map[string]bool{
		"/v2/x/blobs/uploads/1": true, "https://storage.example/1": true, "http://registry.example/1": false, "ftp://x/1": false, "": false, "http://%zz": false,
	} {
		_, err := nextAddress(&http.Response{Request: request, Header: http.Header{"Location": {location}}})
		require.Equal(t, ok, err == nil, location)
	}
}
