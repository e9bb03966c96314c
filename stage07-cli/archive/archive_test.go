package archive

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
}

// tree describes all that is below a directory, one line for each name.
func tree(t *testing.T, dir string) (lines []string) {
	t.Helper()
	numbers := map[uint64]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		stat := info.Sys().(*syscall.Stat_t)
		name, _ := filepath.Rel(dir, path)
		line := fmt.Sprintf("%s %v %d:%d %d %s", name, info.Mode(), stat.Uid, stat.Gid, stat.Rdev, info.ModTime().UTC().Format(time.RFC3339Nano))
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			value := make([]byte, 100)
			n, _ := unix.Getxattr(path, "user.note", value)
			line += fmt.Sprintf(" %q %q", content, value[:max(n, 0)])
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			require.NoError(t, err)
			line += " -> " + target
		}
		if stat.Nlink > 1 && !info.IsDir() {
			if first := numbers[stat.Ino]; first != "" {
				line += " is " + first
			} else {
				numbers[stat.Ino] = name
			}
		}
		if name != "." {
			lines = append(lines, line)
		}
		return nil
	}))
	return lines
}

// everyKind makes a directory with all that there is to copy.
func everyKind(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "src")
	require.NoError(t, os.MkdirAll(dir+"/sub/empty", 0o755))
	require.NoError(t, os.WriteFile(dir+"/file", []byte("wine"), 0o640))
	require.NoError(t, os.WriteFile(dir+"/sub/tool", []byte("#!"), 0o755))
	require.NoError(t, os.Lchown(dir+"/file", 1000, 100))
	require.NoError(t, os.Lchown(dir+"/sub/tool", 7, 8))
	require.NoError(t, os.Chmod(dir+"/sub/tool", 0o755|fs.ModeSetuid))
	require.NoError(t, unix.Setxattr(dir+"/file", "user.note", []byte("red"), 0))
	require.NoError(t, os.Link(dir+"/file", dir+"/sub/again"))
	require.NoError(t, os.Symlink("/etc/shadow", dir+"/absolute"))
	require.NoError(t, os.Symlink("sub", dir+"/to-dir"))
	require.NoError(t, os.Symlink("nowhere", dir+"/dangling"))
	require.NoError(t, unix.Mkfifo(dir+"/fifo", 0o644))
	require.NoError(t, unix.Mknod(dir+"/null", unix.S_IFCHR|0o644, int(unix.Mkdev(1, 3))))
	require.NoError(t, os.WriteFile(dir+"/"+strings.Repeat("long", 60), nil, 0o600))
	old := time.Date(1969, 12, 31, 23, 59, 58, 123456789, time.UTC)
	require.NoError(t, os.Chtimes(dir+"/file", old, old))
	require.NoError(t, os.Chtimes(dir+"/sub", old, old))
	socket, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	require.NoError(t, err)
	require.NoError(t, unix.Bind(socket, &unix.SockaddrUnix{Name: dir + "/socket"}))
	require.NoError(t, unix.Close(socket))
	return dir
}

func TestWhatIsUnpackedIsWhatWasPacked(t *testing.T) {
	needRoot(t)
	src, dst := everyKind(t), t.TempDir()
	var packed bytes.Buffer
	require.NoError(t, Pack(&packed, Source{Path: src}, "copy"))
	again := bytes.NewReader(packed.Bytes())
	old := unix.Umask(0)
	_, err := Unpack(&packed, Target{Dir: dst})
	require.NoError(t, err)
	require.NoError(t, os.Remove(src+"/socket"))
	require.Equal(t, tree(t, src), tree(t, dst+"/copy"))
	_, err = Unpack(again, Target{Dir: dst})
	unix.Umask(old)
	require.NoError(t, err, "and once more over it")
	require.Equal(t, tree(t, src), tree(t, dst+"/copy"))
}

func TestWhatASourceIs(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/d/sub", 0o755))
	require.NoError(t, os.WriteFile(dir+"/d/f", nil, 0o644))
	require.NoError(t, os.Symlink("d", dir+"/link"))
	require.NoError(t, os.Symlink("d/f", dir+"/file-link"))
	for _, c := range []struct {
		source Source
		name   string
		want   string
	}{
		{Source{Path: "/d"}, "x", "x/ x/f x/sub/"},
		{Source{Path: "/d/."}, ".", "./ f sub/"},
		{Source{Path: "/d/f"}, "x", "x"},
		{Source{Path: "/link"}, "x", "x -> d"},
		{Source{Path: "/link/"}, "x", "x/ x/f x/sub/"},
		{Source{Path: "/link", Follow: true}, "x", "x/ x/f x/sub/"},
		{Source{Path: "/file-link"}, "x", "x -> d/f"},
		{Source{Path: "/file-link", Follow: true}, "x", "x"},
	} {
		var packed bytes.Buffer
		c.source.Path = dir + c.source.Path
		require.NoError(t, Pack(&packed, c.source, c.name))
		var names []string
		for entries := tar.NewReader(&packed); ; {
			h, err := entries.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			if names = append(names, h.Name); h.Linkname != "" {
				names = append(names, "->", h.Linkname)
			}
		}
		require.Equal(t, c.want, strings.Join(names, " "), "%+v", c.source)
	}
	for _, missing := range []string{"/none", "/d/f/x", "/none/"} {
		_, err := StatOf(Source{Path: dir + missing})
		require.ErrorIs(t, err, fs.ErrNotExist, missing)
	}
	stat, err := StatOf(Source{Path: dir + "/file-link"})
	require.NoError(t, err)
	require.Equal(t, dir+"/d/f", stat.LinkTarget)
}

// S31: a tar whose entries try to get out of the directory.
func TestNoEntryGetsOutOfTheDirectory(t *testing.T) {
	for _, entries := range [][]tar.Header{
		{{Name: "../outside", Typeflag: tar.TypeReg, Mode: 0o644}},
		{{Name: "/outside", Typeflag: tar.TypeReg, Mode: 0o644}},
		{{Name: "a/../../outside", Typeflag: tar.TypeReg, Mode: 0o644}},
		{{Name: "up", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "up/outside", Typeflag: tar.TypeReg, Mode: 0o644}},
		{{Name: "up", Typeflag: tar.TypeSymlink, Linkname: "../kept"}, {Name: "up", Typeflag: tar.TypeReg, Mode: 0o644}},
		{{Name: "up", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "up", Typeflag: tar.TypeDir, Mode: 0o777}},
		{{Name: "up", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "up/", Typeflag: tar.TypeDir, Mode: 0o777}, {Name: "up/outside", Typeflag: tar.TypeReg}},
		{{Name: "hard", Typeflag: tar.TypeLink, Linkname: "../kept"}, {Name: "hard", Typeflag: tar.TypeReg, Mode: 0o777}},
		{{Name: "up", Typeflag: tar.TypeSymlink, Linkname: ".."}, {Name: "hard", Typeflag: tar.TypeLink, Linkname: "up/kept"}},
		{{Name: "up", Typeflag: tar.TypeSymlink, Linkname: "../made"}, {Name: "up/dir/", Typeflag: tar.TypeDir, Mode: 0o777}},
		{{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o777}, {Name: "d", Typeflag: tar.TypeSymlink, Linkname: ".."}},
	} {
		above := t.TempDir()
		dir := filepath.Join(above, "dir")
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, os.WriteFile(above+"/kept", []byte("kept"), 0o600))
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		for _, h := range entries {
			require.NoError(t, w.WriteHeader(&h))
		}
		require.NoError(t, w.Close())
		_, _ = Unpack(&text, Target{Dir: dir, Foreign: true})

		names, err := os.ReadDir(above)
		require.NoError(t, err)
		require.Len(t, names, 2, "%+v", entries)
		info, err := os.Stat(above + "/kept")
		require.NoError(t, err)
		require.EqualValues(t, 1, info.Sys().(*syscall.Stat_t).Nlink, "%+v", entries)
		require.Equal(t, fs.FileMode(0o600), info.Mode(), "%+v", entries)
		content, err := os.ReadFile(above + "/kept")
		require.NoError(t, err)
		require.Equal(t, "kept", string(content))
		info, err = os.Stat(above)
		require.NoError(t, err)
		require.NotEqual(t, fs.FileMode(0o777), info.Mode().Perm(), "%+v", entries)
	}
}

func TestWhatComesFromAStrangerIsOursAndHarmless(t *testing.T) {
	needRoot(t)
	src, dst := everyKind(t), t.TempDir()
	var packed bytes.Buffer
	require.NoError(t, Pack(&packed, Source{Path: src}, "copy"))
	leftOut, err := Unpack(&packed, Target{Dir: dst, Foreign: true})
	require.NoError(t, err)
	require.Equal(t, 1, leftOut)
	require.NoFileExists(t, dst+"/copy/null")
	for _, line := range tree(t, dst) {
		require.Contains(t, line, " 0:0 ")
		require.NotContains(t, line, "u-", "a set-user-ID bit")
	}
	info, err := os.Stat(dst + "/copy/sub/tool")
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o755), info.Mode())
}

func TestADirectoryDoesntTakeAFilesPlace(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/d/inner", 0o755))
	require.NoError(t, os.WriteFile(dir+"/f", []byte("f"), 0o644))
	for _, c := range []struct {
		h    tar.Header
		want string
	}{
		{tar.Header{Name: "d", Typeflag: tar.TypeReg}, "cannot overwrite directory with non-directory"},
		{tar.Header{Name: "f/", Typeflag: tar.TypeDir}, "cannot overwrite non-directory with directory"},
		{tar.Header{Name: "f/x", Typeflag: tar.TypeReg}, "not a directory"},
	} {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		require.NoError(t, w.WriteHeader(&c.h))
		require.NoError(t, w.Close())
		_, err := Unpack(&text, Target{Dir: dir, Foreign: true})
		require.ErrorContains(t, err, c.want)
	}
	require.DirExists(t, dir+"/d/inner")
	_, err := Unpack(strings.NewReader("no tar at all, but long enough to be read as one"), Target{Dir: dir})
	require.ErrorContains(t, err, "read tar")
}
