package images

import (
	"archive/tar"
	"bytes"
	"context"
	"cooper/stage04-unionfs/hardlayers"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// entryOf is an entry of an archive that a test makes.
type entryOf struct {
	tar.Header
	body string
}

func aFile(name, body string) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o644}, body}
}

func aDir(name string, mode int64, uid int) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: uid}, ""}
}

func aLink(name, target string) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644}, ""}
}

// packTar packs entries that all have the same date.
func packTar(t testing.TB, entries ...entryOf) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, entry := range entries {
		entry.ModTime = time.Unix(1e9, 0)
		require.NoError(t, w.WriteHeader(&entry.Header))
		_, err := w.Write([]byte(entry.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// The layers of the tests: a base with a /tmp and a tool, a file in /tmp
// without the directory, and a second name for the tool.
func baseLayer(t testing.TB, mode int64, tool string) []byte {
	return packTar(t, aDir("bin/", 0o711, 3), aFile("bin/tool", tool), aDir("tmp/", mode, 5))
}

func noteLayer(t testing.TB) []byte { return packTar(t, aFile("tmp/note", "a note")) }
func linkLayer(t testing.TB) []byte {
	return packTar(t, aDir("usr/", 0o755, 0), aLink("usr/tool", "bin/tool"))
}

func pulled(t testing.TB, s *Store, layers ...[]byte) *Image {
	t.Helper()
	server := serve(t, imageOf(t, layers...), nil)
	img, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	return img
}

func statOf(t testing.TB, path string) unix.Stat_t {
	t.Helper()
	var stat unix.Stat_t
	require.NoError(t, unix.Lstat(path, &stat))
	return stat
}

func kindsOf(dirs []string) (kinds []string) {
	for _, dir := range dirs {
		kinds = append(kinds, filepath.Base(filepath.Dir(dir)))
	}
	return kinds
}

func filesIn(t testing.TB, s *Store, name string) (names []string) {
	entries, err := readDir(s.path(name))
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// layerCensus leaves out when directories were changed last: tar has just
// written in them.
func layerCensus(t testing.TB, dir string) string {
	t.Helper()
	list, err := hardlayers.Census(dir)
	require.NoError(t, err)
	lines := regexp.MustCompile(`(" 4[0-7]{4} \d+:\d+) \d+\.\d{9}`).ReplaceAllString(list, "$1")
	return strings.Join(slices.DeleteFunc(strings.Split(lines, "\n"), func(line string) bool { return strings.HasPrefix(line, `"." `) }), "\n")
}
