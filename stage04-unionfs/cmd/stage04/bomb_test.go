package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage04-unionfs/hardlayers"

	"github.com/stretchr/testify/require"
)

// zeros is a reader of so many of them.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// piped streams what a function writes, so that this process never holds a bomb.
func piped(write func(w io.Writer) error) io.Reader {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	return r
}

func zipped(from io.Reader) io.Reader {
	return piped(func(w io.Writer) error {
		z := gzip.NewWriter(w)
		if _, err := io.Copy(z, from); err != nil {
			return err
		}
		return z.Close()
	})
}

func manyFiles(n int) io.Reader {
	return piped(func(w io.Writer) error {
		archive := tar.NewWriter(w)
		for i := range n {
			if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: fmt.Sprintf("d/f%d", i), Mode: 0o600}); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func manyMembers(n int) io.Reader {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, _ = z.Write(make([]byte, 512))
	z.Close()
	return bytes.NewReader(bytes.Repeat(member.Bytes(), n))
}

// long is an entry whose extra header alone has 256 MiB.
func long(kind byte) io.Reader {
	const size = 256 << 20
	return io.MultiReader(bytes.NewReader(hardlayers.Header("extra", kind, size)), zeros(size), bytes.NewReader(hardlayers.Raw("f", tar.TypeReg, "")))
}

// S38: whatever a layer is blown up with, it takes less memory than this.
const mostMemory = 100 << 20

func TestNoBombTakesMoreThanAHundredMegabytesOfMemory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	for _, c := range []struct {
		name  string
		layer io.Reader
		says  string // "" is accepted
	}{
		{"200 MiB of zeros in 200 kB of gzip", zipped(zeros(200 << 20)), "more than 1000 times its size"},
		{"a file of 2 GiB that holds nothing but its end", bytes.NewReader(hardlayers.SparsePAX("holes", 2<<30)), ""},
		{"a file of 17 GiB that holds nothing but its end", bytes.NewReader(hardlayers.SparsePAX("holes", 17<<30)), "too many bytes"},
		{"20,000 empty files in one directory", manyFiles(20_000), ""},
		{"10,000 members of gzip", manyMembers(10_000), ""},
		{"a window of 2 GiB in zstd", strings.NewReader("\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00"), "window"},
		{"attributes of 256 MiB", long(tar.TypeXHeader), "header field too long"},
		{"a name of 256 MiB", long(tar.TypeGNULongName), "header field too long"},
		{"256 MiB of words to all", long(tar.TypeXGlobalHeader), "header field too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "layer")
			said, memory := applyElsewhere(t, dir, c.layer)
			require.Less(t, memory, int64(mostMemory), said)
			if c.says == "" {
				require.Empty(t, said)
				return
			}
			require.Contains(t, said, c.says)
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// applyElsewhere applies a layer in a process of its own, and returns what that
// said and how much memory it had at the most.
func applyElsewhere(t *testing.T, dir string, layer io.Reader) (said string, memory int64) {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.Command("/proc/self/exe", "apply", dir)
	command.Args[0] = "stage04"
	command.Stderr = &stderr
	stdin, err := command.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	_, _ = io.Copy(stdin, layer) // it ends with the reader, too
	stdin.Close()
	_ = command.Wait()
	usage := command.ProcessState.SysUsage().(*syscall.Rusage)
	return stderr.String(), usage.Maxrss << 10
}
