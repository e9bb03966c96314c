package server

import (
	"crypto/tls"
	"io"
	"net/http"
	"strings"
	"testing"

	images "cooper/stage05-images"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"
)

func TestAWebPageGetsNothing(t *testing.T) {
	s := start(t, t.TempDir(), func(h *Handler) { h.Names = []string{"build.example.org"} })
	s.pushImage("a", "1", "x")
	for _, header := range []string{
		"Origin: http://evil.example", "Origin: null", "Origin: " + s.url, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site",
		"Host: evil.example", "Host: evil.example:5000", "Host: 127.0.0.1.evil.example", "Host: [::1].evil.example",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "OPTIONS"} {
			a := s.do(method, "/v2/a/manifests/1", "", header).want(t, 403, images.Denied)
			require.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
		}
	}
	for _, header := range []string{"Host: localhost:5000", "Host: 10.0.0.7", "Host: [::1]:5000", "Host: build", "Host: Build.Example.org:5000", "Sec-Fetch-Site: none"} {
		s.do("GET", "/v2/a/manifests/1", "", header).want(t, 200)
	}
	require.Equal(t, "nosniff", s.do("GET", "/v2/a/blobs/"+digestOf("x"), "").Header.Get("X-Content-Type-Options"))
}

func TestAPathIsReadFromItsEnd(t *testing.T) {
	for path, want := range map[string]route{
		"/v2/":                              {base, "", ""},
		"/v2/_catalog":                      {catalog, "", ""},
		"/v2/a/tags/list":                   {tags, "a", ""},
		"/v2/tags/list/tags/list":           {tags, "tags/list", ""},
		"/v2/a/b/manifests/1.2":             {manifests, "a/b", "1.2"},
		"/v2/manifests/manifests/manifests": {manifests, "manifests", "manifests"},
		"/v2/x/blobs/uploads/manifests/1":   {manifests, "x/blobs/uploads", "1"},
		"/v2/x/blobs/uploads/":              {uploads, "x", ""},
		"/v2/x/blobs/uploads":               {uploads, "x", ""},
		"/v2/x/blobs/uploads/7":             {uploads, "x", "7"},
		"/v2/x/blobs/sha256:0":              {blobs, "x", "sha256:0"},
		"/v2/x/blobs/blobs/sha256:0":        {blobs, "x/blobs", "sha256:0"},
		"/v2/x/referrers/sha256:0":          {referrers, "x", "sha256:0"},
		"/v2/../../etc/manifests/passwd":    {manifests, "../../etc", "passwd"},
		"/v2//manifests/1":                  {manifests, "", "1"},
	} {
		got, ok := parseRoute(path)
		require.True(t, ok, path)
		require.Equal(t, want, got, path)
	}
	for _, path := range []string{"", "/", "/v1/", "/v2x/", "/v2/a", "/v2/a/manifests/", "/v2/manifests/1", "/v3/a/tags/list", "/v2/a/tags/list/", "v2/a/tags/list"} {
		_, ok := parseRoute(path)
		require.False(t, ok, path)
	}
}

func TestNoNameOfAStrangerIsAPath(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	for _, name := range []string{"../../etc", "%2e%2e/x", "a/../b", "UPPER", "a//b", "-a", "a-", "a b", "a%00b", "a%0ab", "é", "a___b", strings.Repeat("a", 256)} {
		for _, rest := range []string{"/manifests/1", "/blobs/" + digestOf("x"), "/tags/list", "/referrers/" + digestOf("x")} {
			a := s.do("GET", "/v2/"+strings.ReplaceAll(name, " ", "%20")+rest, "")
			require.Contains(t, []int{400, 404}, a.StatusCode, name)
		}
		a := s.do("POST", "/v2/"+strings.ReplaceAll(name, " ", "%20")+"/blobs/uploads/", "")
		require.Contains(t, []int{400, 404, 405}, a.StatusCode, name)
	}
	for _, ref := range []string{"../x", "-x", ".x", "a b", strings.Repeat("t", 129), "sha256:..%2f..%2fx", "a:b:c"} {
		a := s.put("a", strings.ReplaceAll(ref, " ", "%20"), manifestOf(s.push("a", "{}"), nil))
		require.Contains(t, []int{400, 404, 405}, a.StatusCode, ref)
	}
	require.Equal(t, 405, s.do("PATCH", "/v2/a/manifests/1", "").StatusCode)
	require.Equal(t, 404, s.do("GET", "/", "").StatusCode)
}

func TestOnlyWhoIsInTheFileComesIn(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("barrel"), bcrypt.MinCost)
	require.NoError(t, err)
	logins, err := ReadLogins(strings.NewReader("# made by htpasswd -B\n\ncooper:" + string(hash) + "\n"))
	require.NoError(t, err)
	s := start(t, t.TempDir(), func(h *Handler) { h.Logins = logins })
	ask := func(user, password string) int {
		req, err := http.NewRequest("GET", s.url+"/v2/", nil)
		require.NoError(t, err)
		if user != "" {
			req.SetBasicAuth(user, password)
		}
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		resp.Body.Close()
		if resp.StatusCode == 401 {
			require.Equal(t, `Basic realm="registry"`, resp.Header.Get("WWW-Authenticate"))
		}
		return resp.StatusCode
	}
	require.Equal(t, 401, ask("", ""))
	require.Equal(t, 401, ask("cooper", "wrong"))
	require.Equal(t, 401, ask("nobody", "barrel"))
	require.Equal(t, 200, ask("cooper", "barrel"))
	require.Equal(t, 200, ask("cooper", "barrel"), "from memory")
	require.Equal(t, 401, ask("cooper", "barre"))
	require.Equal(t, 401, ask("coope", "rbarrel"))
	s.do("PUT", "/v2/a/manifests/1", "").want(t, 401, images.Unauthorized)
	for _, wrong := range []string{"", "cooper", "cooper:{SHA}xxx", ":" + string(hash), "cooper:$apr1$abc$def"} {
		_, err := ReadLogins(strings.NewReader(wrong))
		require.ErrorContains(t, err, "htpasswd -B", wrong)
	}
}

func TestOverTLSTheCertificateIsTheName(t *testing.T) {
	identity, err := tls.X509KeyPair(certificate(t))
	require.NoError(t, err)
	s := startWith(t, t.TempDir(), &tls.Config{Certificates: []tls.Certificate{identity}, MinVersion: tls.VersionTLS12}, nil)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	req, err := http.NewRequest("GET", "https://"+s.host+"/v2/", nil)
	require.NoError(t, err)
	req.Host = "registry.example.org"
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, 200, resp.StatusCode, string(body))
}

func FuzzRoute(f *testing.F) {
	f.Add("/v2/x/blobs/uploads/manifests/1")
	f.Add("/v2/x/blobs/uploads/7")
	f.Add("/v2//tags/list")
	f.Fuzz(func(t *testing.T, path string) {
		rt, ok := parseRoute(path)
		if !ok || !rt.valid() || rt.ref == "" {
			return
		}
		require.NotContains(t, rt.ref, "/")
		again, ok := parseRoute(rt.address(rt.kind, rt.ref))
		require.True(t, ok)
		require.Equal(t, rt, again, "an address that we give out leads to what it was given out for")
	})
}
