package registry

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestADownloadComesAsItIsStored(t *testing.T) {
	stored := []byte("\x1f\x8b\x08 as packed as it looks")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/root.tar.gz":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(stored)
		case "/moved":
			http.Redirect(w, r, "/root.tar.gz", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	for _, path := range []string{"/root.tar.gz", "/moved"} {
		body, err := Download(t.Context(), server.URL+path, time.Minute)
		require.NoError(t, err, path)
		got, err := io.ReadAll(body)
		require.NoError(t, err, path)
		require.Equal(t, stored, got, path)
		require.NoError(t, body.Close(), path)
	}
	_, err := Download(t.Context(), server.URL+"/nothing", time.Minute)
	require.EqualError(t, err, "get "+server.URL+"/nothing: the server answered 404 Not Found")
	_, err = Download(t.Context(), server.URL+"/elsewhere", time.Minute)
	require.ErrorIs(t, err, errRedirect)
	_, err = Download(t.Context(), "http://a b/", time.Minute)
	require.ErrorContains(t, err, "invalid character")
}

func TestADownloadEndsWithItsServersSilence(t *testing.T) {
	silent := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/middle" {
			_, _ = w.Write([]byte("so far"))
			w.(http.Flusher).Flush()
		}
		<-silent
	}))
	defer server.Close()
	defer close(silent)
	_, err := Download(t.Context(), server.URL, 50*time.Millisecond)
	require.ErrorIs(t, err, errNoProgress)

	body, err := Download(t.Context(), server.URL+"/middle", 200*time.Millisecond)
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.ErrorIs(t, err, errNoProgress)
	require.Equal(t, "so far", string(got))
	require.NoError(t, body.Close())

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = Download(ctx, server.URL, time.Minute)
	require.ErrorIs(t, err, context.Canceled)
}
