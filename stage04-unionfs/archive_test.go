package unionfs

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage04-unionfs/hardlayers"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// item is one entry of an archive that a test makes.
type item struct {
	tar.Header
	body string
}

// day is when everything in the tests' archives was made.
var day = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func file(name, body string) item {
	return item{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, ModTime: day, Size: int64(len(body))}, body}
}

func dir(name string) item {
	return item{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o755, ModTime: day}, ""}
}

func symlink(name, target string) item {
	return item{tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: target, Mode: 0o777, ModTime: day}, ""}
}

func hardlink(name, target string) item {
	return item{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644, ModTime: day}, ""}
}

func node(kind byte, name string, major, minor int64) item {
	return item{tar.Header{Typeflag: kind, Name: name, Devmajor: major, Devminor: minor, Mode: 0o660, ModTime: day}, ""}
}

// with changes an item's header.
func (i item) with(change func(*tar.Header)) item {
	change(&i.Header)
	return i
}

func records(i item, pairs ...string) item {
	i.PAXRecords = map[string]string{}
	for n := 0; n < len(pairs); n += 2 {
		i.PAXRecords[pairs[n]] = pairs[n+1]
	}
	return i
}

// archive packs the items.
func archive(t testing.TB, items ...item) *bytes.Buffer {
	t.Helper()
	var packed bytes.Buffer
	w := tar.NewWriter(&packed)
	for _, i := range items {
		require.NoError(t, w.WriteHeader(&i.Header), i.Name)
		_, err := io.WriteString(w, i.body)
		require.NoError(t, err, i.Name)
	}
	require.NoError(t, w.Close())
	return &packed
}

// applied applies the items to a fresh directory.
func applied(t testing.TB, items ...item) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layer")
	require.NoError(t, Apply(context.Background(), dir, archive(t, items...)))
	return dir
}

func needRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
}

func census(t testing.TB, root string) string {
	t.Helper()
	list, err := hardlayers.Census(root)
	require.NoError(t, err)
	return list
}

func attribute(t testing.TB, path, name string) string {
	t.Helper()
	value := make([]byte, 256)
	n, err := unix.Lgetxattr(path, name, value)
	if err == unix.ENODATA {
		return ""
	}
	require.NoError(t, err)
	return string(value[:n])
}

func lstat(t testing.TB, path string) *unix.Stat_t {
	t.Helper()
	var stat unix.Stat_t
	require.NoError(t, unix.Lstat(path, &stat), path)
	return &stat
}

// undated leaves the times out of a census.
func undated(census string) string {
	return regexp.MustCompile(` -?\d+\.\d{9}`).ReplaceAllString(census, "")
}
