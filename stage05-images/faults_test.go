package images

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
)

// Ways in which a registry can misbehave, for served.

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

// labelled serves the manifest under a label that says nothing, or under none.
func labelled(f *fixture, mediaType string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		_, body := f.manifestBytes()
		w.Header()["Content-Type"] = nil // or net/http guesses one
		if mediaType != "" {
			w.Header().Set("Content-Type", mediaType)
		}
		_, _ = w.Write(body)
		return true
	}
}

// withoutLength makes net/http send what follows in chunks.
func withoutLength(w http.ResponseWriter, _ *http.Request) bool {
	w.Header().Set("Transfer-Encoding", "chunked")
	return false
}

// pausing stands still in the middle of a layer, for less than the patience.
func pausing(f *fixture) func(http.ResponseWriter, *http.Request) bool {
	layer := f.manifest.Layers[0].Digest
	return onBlob(layer, func(w http.ResponseWriter, _ *http.Request) {
		data := f.blobs[layer]
		_, _ = w.Write(data[:1000])
		w.(http.Flusher).Flush()
		<-time.After(time.Second)
		_, _ = w.Write(data[1000:])
	})
}

// elsewhere sends the client to another server for blobs, as registries do that
// keep them in a cloud's storage. Only the registry may see the login.
func elsewhere(t *testing.T) func(f *fixture) func(http.ResponseWriter, *http.Request) bool {
	return func(f *fixture) func(http.ResponseWriter, *http.Request) bool {
		storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Error("the storage was given the registry's token")
			}
			http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.blobs[digest.Digest(path.Base(r.URL.Path))]))
		}))
		t.Cleanup(storage.Close)
		return func(w http.ResponseWriter, r *http.Request) bool {
			if wantsToken(w, r) {
				return true
			}
			if strings.Contains(r.URL.Path, "/blobs/") {
				http.Redirect(w, r, storage.URL+r.URL.Path, http.StatusTemporaryRedirect)
				return true
			}
			return false
		}
	}
}

// wantsToken lets nobody in without the token that it gives to everybody.
func wantsToken(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case r.URL.Path == "/token":
		_, _ = w.Write([]byte(`{"token":"abc"}`))
	case r.Header.Get("Authorization") != "Bearer abc":
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s"`)
		w.WriteHeader(http.StatusUnauthorized)
	default:
		return false
	}
	return true
}
