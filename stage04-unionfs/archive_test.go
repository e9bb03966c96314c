package unionfs

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

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

// census describes everything in a directory, one line for each name, with all
// that a layer may say of it; equal censuses are equal layers. Names of one
// file are told by the first of them.
func census(t testing.TB, root string) string {
	t.Helper()
	var lines strings.Builder
	first := map[uint64]string{}
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		require.NoError(t, err)
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		var stat unix.Stat_t
		require.NoError(t, unix.Lstat(path, &stat))
		if isWhiteout(&stat) {
			fmt.Fprintf(&lines, "%q is gone\n", name)
			return nil
		}
		fmt.Fprintf(&lines, "%q %o %d:%d", name, stat.Mode, stat.Uid, stat.Gid)
		if name != "." {
			fmt.Fprintf(&lines, " %d.%09d", stat.Mtim.Sec, stat.Mtim.Nsec)
		}
		if !isDir(&stat) && stat.Nlink > 1 {
			if first[stat.Ino] == "" {
				first[stat.Ino] = name
			}
			fmt.Fprintf(&lines, " is %q", first[stat.Ino])
		}
		fmt.Fprintln(&lines, content(t, path, &stat), attributes(t, path, &stat))
		return nil
	})
	require.NoError(t, err)
	return lines.String()
}

func content(t testing.TB, path string, stat *unix.Stat_t) string {
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		return fmt.Sprintf(" %d bytes %x", len(body), sha256.Sum256(body))
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		require.NoError(t, err)
		return fmt.Sprintf(" -> %q", target)
	case unix.S_IFCHR, unix.S_IFBLK:
		return fmt.Sprintf(" device %d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev))
	}
	return ""
}

// attributes lists the extended attributes, except those by which overlayfs
// remembers where it copied a file from.
func attributes(t testing.TB, path string, stat *unix.Stat_t) string {
	if !isDir(stat) && !isRegular(stat) {
		return ""
	}
	names := make([]byte, 4096)
	n, err := unix.Listxattr(path, names)
	require.NoError(t, err)
	var list []string
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		switch name {
		case "", "trusted.overlay.origin", "trusted.overlay.impure", "trusted.overlay.uuid", "trusted.overlay.upper":
			continue
		}
		list = append(list, fmt.Sprintf("%s=%q", name, attribute(t, path, name)))
	}
	slices.Sort(list) // the kernel lists them as they were set
	return strings.Join(list, " ")
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
