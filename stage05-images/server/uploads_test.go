package server

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	images "cooper/stage05-images"

	"github.com/stretchr/testify/require"
)

// begin opens an upload and returns its address.
func (s *running) begin(repository string) string {
	s.t.Helper()
	a := s.do("POST", "/v2/"+repository+"/blobs/uploads/", "").want(s.t, 202)
	require.Equal(s.t, "0-0", a.Header.Get("Range"))
	return a.Header.Get("Location")
}

func TestABlobComesInPieces(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	at := s.begin("a")
	s.do("PATCH", at, "0123", "Content-Range: 0-3").want(t, 202)
	patch := s.do("PATCH", at, "45").want(t, 202)
	require.Equal(t, "0-5", patch.Header.Get("Range"))
	for _, wrong := range []string{"5-6", "7-8", "0-1", "6-5x", "x", "-1-0", "6-9"} {
		a := s.do("PATCH", at, "67", "Content-Range: "+wrong).want(t, 416, images.BlobUploadInvalid)
		require.Equal(t, at, a.Header.Get("Location"), wrong)
	}
	status := s.do("GET", at, "").want(t, 204)
	require.Equal(t, "0-5", status.Header.Get("Range"))
	require.Equal(t, at, status.Header.Get("Location"))
	s.do("PUT", at+"?digest="+digestOf("01234567"), "67", "Content-Range: 7-8").want(t, 416, images.BlobUploadInvalid)
	put := s.do("PUT", at+"?digest="+digestOf("01234567"), "67", "Content-Range: 6-7").want(t, 201)
	require.Equal(t, "/v2/a/blobs/"+digestOf("01234567"), put.Header.Get("Location"))
	require.Equal(t, "01234567", s.do("GET", put.Header.Get("Location"), "").want(t, 200).body)
	s.do("GET", at, "").want(t, 404, images.BlobUploadUnknown)
}

func TestWhatIsNoUploadOfTheRepositoryIsUnknown(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	at := s.begin("a")
	id := at[strings.LastIndex(at, "/")+1:]
	for _, path := range []string{"/v2/b/blobs/uploads/" + id, "/v2/a/blobs/uploads/" + strings.Repeat("0", 64), "/v2/a/blobs/uploads/..%2F..%2Foci-layout", "/v2/a/blobs/uploads/lock"} {
		for _, method := range []string{"GET", "PATCH", "PUT", "DELETE"} {
			s.do(method, path+"?digest="+digestOf(""), "").want(t, 404)
		}
	}
	s.do("DELETE", at, "").want(t, 204)
	s.do("PATCH", at, "x").want(t, 404, images.BlobUploadUnknown)
	require.Empty(t, s.files("ingest"))
}

func TestBytesOfAnotherDigestNeverGetAName(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	other := "?digest=" + digestOf("other")
	s.do("POST", "/v2/a/blobs/uploads/"+other, "bytes").want(t, 400, images.DigestInvalid)
	at := s.begin("a")
	s.do("PUT", at, "bytes").want(t, 400, images.DigestInvalid)
	s.do("PUT", at+"?digest=sha256:../../x", "").want(t, 400, images.DigestInvalid)
	s.do("PUT", at+"?digest=sha512:"+strings.Repeat("0", 128), "").want(t, 400, images.DigestInvalid)
	s.do("PUT", at+other, "").want(t, 400, images.DigestInvalid)
	s.do("GET", at, "").want(t, 404, images.BlobUploadUnknown)
	s.do("POST", "/v2/a/blobs/uploads/?digest-algorithm=sha512", "").want(t, 400, images.DigestInvalid)
	require.Empty(t, s.blobs())
	require.Empty(t, s.files("ingest"))
}

func TestABrokenUploadGoesOnWhereItWas(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	at := s.begin("a")
	conn, err := net.Dial("tcp", s.host)
	require.NoError(t, err)
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 100\r\n\r\n01234", at, s.host)
	require.Eventually(t, func() bool { return s.do("GET", at, "").want(t, 204).Header.Get("Range") == "0-4" }, 10*time.Second, time.Millisecond)
	require.NoError(t, conn.Close())
	s.do("PATCH", at, "56789", "Content-Range: 5-9").want(t, 202)
	s.do("PUT", at+"?digest="+digestOf("0123456789"), "").want(t, 201)
}

func TestAnUploadTakesItsTurn(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	at := s.begin("a")
	first, err := net.Dial("tcp", s.host)
	require.NoError(t, err)
	fmt.Fprintf(first, "PATCH %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 10\r\n\r\n01234", at, s.host)
	require.Eventually(t, func() bool { return s.do("GET", at, "").Header.Get("Range") == "0-4" }, 10*time.Second, time.Millisecond)
	second, err := net.Dial("tcp", s.host)
	require.NoError(t, err)
	fmt.Fprintf(second, "PATCH %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\nContent-Range: 10-10\r\n\r\nx", at, s.host)
	fmt.Fprint(first, "56789")
	for _, conn := range []net.Conn{first, second} {
		line, err := bufio.NewReader(conn).ReadString('\n')
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 202 Accepted\r\n", line)
		conn.Close()
	}
	s.do("PUT", at+"?digest="+digestOf("0123456789x"), "").want(t, 201)
}

func TestManySendTheSameBlobAtOnce(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	content := strings.Repeat("the same layer\n", 50_000)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			repository := fmt.Sprintf("r%d", i%4)
			a := s.do("POST", "/v2/"+repository+"/blobs/uploads/?digest="+digestOf(content), content)
			if a.StatusCode != 201 {
				t.Error(a.StatusCode, a.body)
			}
		})
	}
	all.Wait()
	require.Len(t, s.blobs(), 1)
	require.Empty(t, s.files("ingest"))
	require.Equal(t, content, s.do("GET", "/v2/r3/blobs/"+digestOf(content), "").want(t, 200).body)
}

func TestNoTagIsLostWhenManyArePushedAtOnce(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	config := s.push("a", "{}")
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			layer := s.push("a", fmt.Sprint("layer ", i))
			s.put("a", fmt.Sprintf("t%02d", i), manifestOf(config, nil, layer)).want(t, 201)
		})
	}
	all.Wait()
	body := s.do("GET", "/v2/a/tags/list", "").want(t, 200).body
	require.Equal(t, 20, strings.Count(body, `"t`)-1, body)
}

func TestMoreUploadsThanCanBeAreAskedToWait(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	for range 256 {
		s.begin("a")
	}
	s.do("POST", "/v2/a/blobs/uploads/", "").want(t, 429, images.TooManyRequests)
	require.NoError(t, s.stop())
	require.Empty(t, s.files("ingest"))
}
