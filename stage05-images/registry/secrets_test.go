package registry

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

var secret = Login{Username: "anna", Password: "SECRET"}

func hostOfServer(s *httptest.Server) string {
	u, _ := url.Parse(s.URL)
	return u.Host
}

// repository opens x at a test server, with a login that must not leak.
func repository(t *testing.T, s *httptest.Server) *Repository {
	t.Cleanup(s.Close)
	r := Open(hostOfServer(s), "x", Options{Login: secret, Patience: 5 * time.Second})
	t.Cleanup(r.Close)
	return r
}

func TestALoginServerIsTrustedOnlyWhereThePasswordIsSafe(t *testing.T) {
	secure := Open("registry.example", "x", Options{Login: secret})
	loopback := Open("127.0.0.1:5000", "x", Options{Login: secret})
	for _, c := range []struct {
		repo  *Repository
		realm string
		ok    bool
	}{
		{secure, "https://registry.example/token", true},
		{secure, "https://auth.example/token", true},
		{secure, "http://registry.example/token", false},
		{secure, "http://169.254.169.254/latest", false},
		{secure, "http://127.0.0.1/token", false},
		{secure, "file:///etc/passwd", false},
		{secure, "https://user:pw@auth.example/token", false},
		{secure, "", false},
		{secure, "://", false},
		{loopback, "http://127.0.0.1:5001/token", true},
		{loopback, "http://localhost:5001/token", false},
		{loopback, "http://169.254.169.254/x", false},
		{loopback, "gopher://127.0.0.1/x", false},
	} {
		_, err := c.repo.checkRealm(c.realm)
		require.Equal(t, c.ok, err == nil, "%s says %s: %v", c.repo.host, c.realm, err)
	}
}

func TestAnotherHostGetsNoAuthorization(t *testing.T) {
	var seen []string
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		_, _ = io.WriteString(w, "blob")
	}))
	t.Cleanup(storage.Close)
	r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, storage.URL+"/blob?signature=SECRET", http.StatusTemporaryRedirect)
	})))
	body := r.Blob(context.Background(), ocispec.Descriptor{Digest: digest.FromString("blob"), Size: 4}, 0)
	defer body.Close()
	data, err := io.ReadAll(body)
	require.NoError(t, err)
	require.Equal(t, "blob", string(data))
	require.Equal(t, []string{""}, seen, "the storage got the registry's password")
}

func TestRedirectsAreBounded(t *testing.T) {
	for name, target := range map[string]string{
		"endless":      "",
		"to a file":    "file:///etc/passwd",
		"to a mailbox": "mailto:SECRET@example",
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				if target == "" {
					http.Redirect(w, r, r.URL.Path, http.StatusFound)
					return
				}
				w.Header().Set("Location", target)
				w.WriteHeader(http.StatusFound)
			})))
			_, err := r.Manifest(context.Background(), "1")
			require.ErrorIs(t, err, errRedirect)
			require.NotContains(t, err.Error(), "SECRET")
			require.LessOrEqual(t, requests, 11)
		})
	}
}

func TestTLSIsNotLeftByARedirect(t *testing.T) {
	from := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "https", Host: "a"}}
	to := &http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: "a"}, Header: http.Header{}}
	require.ErrorIs(t, checkRedirect(to, []*http.Request{from}), errRedirect)
}

func TestAnUploadIsNotSentElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t.Error("the upload arrived elsewhere")
	}))
	t.Cleanup(elsewhere.Close)
	r := repository(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})))
	_, err := r.Upload(context.Background(), content("blob"))
	require.ErrorContains(t, err, "307")
}

func TestOnlyTheScopeThatIsNeededIsAskedFor(t *testing.T) {
	var query url.Values
	var given string
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			query, given = r.URL.Query(), r.Header.Get("Authorization")
			_, _ = io.WriteString(w, `{"access_token":"TOKEN"}`)
		case r.Header.Get("Authorization") == "Bearer TOKEN":
			w.Header().Set("Content-Type", OCIManifest)
			_, _ = io.WriteString(w, `{"schemaVersion":2}`)
		default:
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s/token?a=b",service="s",scope="repository:other:pull,push,delete"`, server.URL))
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	r := repository(t, server)
	_, err := r.Manifest(context.Background(), "1")
	require.NoError(t, err)
	require.Equal(t, url.Values{"a": {"b"}, "service": {"s"}, "scope": {"repository:x:pull"}}, query)
	require.Equal(t, "Basic "+base64.StdEncoding.EncodeToString([]byte("anna:SECRET")), given)
}

func TestATokenThatFitsInNoHeaderIsRefusedAndNotShown(t *testing.T) {
	for _, answer := range []string{
		`{"token":"SECRET\nHost: evil"}`, `{"token":""}`, `{"token":5}`, `SECRET`, `{"token":"` + strings.Repeat("S", 2<<20) + `"}`,
	} {
		_, _, err := readToken(strings.NewReader(answer))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "SECRET")
	}
}

func TestAnIdentityTokenIsSentInTheBody(t *testing.T) {
	var form url.Values
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="`+server.URL+`/token",service="s"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		require.Empty(t, r.URL.RawQuery)
		_ = r.ParseForm()
		form = r.PostForm
		_, _ = io.WriteString(w, `{"access_token":"TOKEN"}`)
	}))
	t.Cleanup(server.Close)
	r := Open(hostOfServer(server), "x", Options{Login: Login{IdentityToken: "SECRET"}})
	t.Cleanup(r.Close)
	_, err := r.Manifest(context.Background(), "1")
	require.ErrorIs(t, err, ErrUnauthorized)
	require.Equal(t, "SECRET", form.Get("refresh_token"))
	require.Equal(t, "repository:x:pull", form.Get("scope"))
}

func TestRetryAfterIsReadAndCapped(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"2":                             2 * time.Second,
		"-5":                            0,
		"99999999999":                   30 * time.Second,
		"86400":                         30 * time.Second,
		"Thu, 01 Jan 2026 00:00:10 GMT": 10 * time.Second,
		"Thu, 01 Jan 2025 00:00:10 GMT": 0,
		"Fri, 01 Jan 2027 00:00:00 GMT": 30 * time.Second,
		"soon":                          0,
	} {
		require.Equal(t, want, retryAfter(header, now), header)
	}
}

func TestLoopbackIsToldByAddressNotByLook(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "localhost:5000": true, "127.0.0.1:5000": true, "127.9.9.9": true, "[::1]:5000": true,
		"localhost.example": false, "127.0.0.1.example:5000": false, "10.0.0.1:5000": false, "example": false,
	} {
		require.Equal(t, want, isLoopback(host), host)
	}
}
