package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"
	images "cooper/stage05-images"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The tests' own binary is also a server, as "serve DIR", so that a test can
// kill it.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serveAsProcess(os.Args[2])
	}
	os.Exit(m.Run())
}

func serveAsProcess(dir string) {
	reg, err := images.OpenRegistry(dir, false)
	if err == nil {
		var listener net.Listener
		if listener, err = Listen("127.0.0.1:0", false); err == nil {
			fmt.Println(listener.Addr())
			h := &Handler{Registry: reg, Fault: func(err error) { fmt.Fprintln(os.Stderr, err) }}
			err = h.Serve(context.Background(), listener, nil)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func TestAServerThatIsKilledLeavesNoHalfBlobUnderAName(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "serve", dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	s := &running{t: t, dir: dir, host: strings.TrimSpace(line)}
	s.url = "http://" + s.host
	manifest := s.pushImage("a", "1", "x")
	s.push("a", "no manifest names it")
	at := s.begin("a")
	s.do("PATCH", at, "half of").want(t, 202)
	before := s.blobs()
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Equal(t, before, s.blobs())
	require.Len(t, s.files("ingest"), 1)

	again := start(t, dir, nil)
	require.Equal(t, manifest, again.do("GET", "/v2/a/manifests/1", "").want(t, 200).body)
	again.do("PATCH", at, "a blob").want(t, 404, images.BlobUploadUnknown)
	require.Empty(t, again.files("ingest"))
	require.Len(t, again.blobs(), 3, "the manifest and what it names")
}

func TestABlobIsNeverWholeInMemory(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	const size = 64 << 20
	zeros := func() io.Reader { return io.LimitReader(zeroReader{}, size) }
	d, err := digest.FromReader(zeros())
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s.stream("POST", "/v2/a/blobs/uploads/?digest="+d.String(), zeros()).want(t, 201)
	resp, err := http.Get(s.url + "/v2/a/blobs/" + d.String())
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	require.EqualValues(t, size, n)
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestAFullDiskIsToldAndFreedAgain(t *testing.T) {
	notrace.Check(t)
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, 0)) })
	var faults []error
	s := start(t, dir, func(h *Handler) { h.Fault = func(err error) { faults = append(faults, err) } })
	large := strings.Repeat("x", 3<<20)
	a := s.do("POST", "/v2/a/blobs/uploads/?digest="+digestOf(large), large)
	require.Equal(t, 507, a.StatusCode, a.body)
	require.ErrorIs(t, faults[0], unix.ENOSPC)
	require.NotContains(t, a.body, dir)
	require.Empty(t, s.files("ingest"))
	s.pushImage("a", "1", "small")
	require.NoError(t, s.stop())
}

func TestWhatIsDownloadedAtTheEndIsFinished(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	large := strings.Repeat("0123456789abcdef", 1<<20)
	s.push("a", large)
	resp, err := http.Get(s.url + "/v2/a/blobs/" + digestOf(large))
	require.NoError(t, err)
	defer resp.Body.Close()
	first := make([]byte, 16)
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", s.host)
		if err == nil {
			conn.Close()
		}
		return err != nil
	}, 10*time.Second, time.Millisecond, "nobody new comes in")
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, large, string(first)+string(rest))
	require.NoError(t, <-stopped)
}

func TestASlowClientIsHungUpOn(t *testing.T) {
	s := start(t, t.TempDir(), func(h *Handler) { h.Patience = 2 * time.Second })
	at := s.begin("a")
	var all sync.WaitGroup
	for name, request := range map[string]string{
		"no request":    "",
		"half a header": "GET /v2/ HTTP/1.1\r\nHo",
		"half a body":   "PATCH " + at + " HTTP/1.1\r\nHost: " + s.host + "\r\nContent-Length: 1000\r\n\r\n01",
		"endless chunk": "PATCH " + at + " HTTP/1.1\r\nHost: " + s.host + "\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n0",
	} {
		all.Go(func() {
			conn, err := net.Dial("tcp", s.host)
			if err == nil {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
				_, _ = io.WriteString(conn, request)
				_, err = io.Copy(io.Discard, conn)
			}
			if err != nil {
				t.Errorf("%s: the server doesn't end the connection: %v", name, err)
			}
		})
	}
	all.Wait()
	s.do("DELETE", at, "").want(t, 204)
}

func TestAClientThatReadsNothingIsHungUpOn(t *testing.T) {
	s := start(t, t.TempDir(), func(h *Handler) { h.Patience = 2 * time.Second })
	large := strings.Repeat("0123456789abcdef", 2<<20)
	s.push("a", large)
	before := runtime.NumGoroutine()
	conn, err := net.Dial("tcp", s.host)
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "GET /v2/a/blobs/%s HTTP/1.1\r\nHost: %s\r\n\r\n", digestOf(large), s.host)
	_, err = io.ReadFull(conn, make([]byte, 1000))
	require.NoError(t, err)
	// One more than before is the goroutine that looks.
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+1 }, 20*time.Second, 10*time.Millisecond)
}

func TestASlowAndSteadyClientIsServed(t *testing.T) {
	const patience = time.Second
	s := start(t, t.TempDir(), func(h *Handler) { h.Patience = patience })
	piece := strings.Repeat("0123456789abcdef", 1<<16) // more than the kernel buffers for long
	pace := time.NewTicker(patience / 8)
	defer pace.Stop()
	const pieces = 24 // three times as long as one waits for one
	reader, writer := io.Pipe()
	go func() {
		for range pieces {
			<-pace.C
			_, _ = io.WriteString(writer, piece)
		}
		_ = writer.Close()
	}()
	d := digestOf(strings.Repeat(piece, pieces))
	s.stream("POST", "/v2/a/blobs/uploads/?digest="+d, reader).want(t, 201)
	resp, err := http.Get(s.url + "/v2/a/blobs/" + d)
	require.NoError(t, err)
	defer resp.Body.Close()
	for range pieces {
		<-pace.C
		_, err := io.ReadFull(resp.Body, make([]byte, len(piece)))
		require.NoError(t, err)
	}
}

func TestTheDoorIsShutWhenItIsFull(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	var all []net.Conn
	for range mostConnections + 10 {
		conn, err := net.Dial("tcp", s.host)
		require.NoError(t, err)
		all = append(all, conn)
	}
	closed := 0
	for _, conn := range all[mostConnections:] {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
		if _, err := conn.Read(make([]byte, 1)); err == io.EOF {
			closed++
		}
	}
	require.Equal(t, 10, closed)
	for _, conn := range all {
		conn.Close()
	}
	require.Eventually(t, func() bool {
		resp, err := http.Get(s.url + "/v2/")
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, 10*time.Second, 10*time.Millisecond)
}
