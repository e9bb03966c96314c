package unionfs

import (
	"archive/tar"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
	rootfs "cooper/stage03-rootfs"
	"cooper/stage03-rootfs/busyroot"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	namespaces.Init(Inside)
	os.Exit(m.Run())
}

// stackOf is a Spec for the given lower directories, with room for changes.
func stackOf(t testing.TB, lower ...string) *Spec {
	t.Helper()
	s := &Spec{Spec: rootfs.Defaults(), Lower: lower}
	s.ID, s.Hostname = namespaces.NewID(), "container"
	require.NoError(t, s.Complete(filepath.Join(t.TempDir(), "scratch")))
	return s
}

// shell runs a script in a container on the stack, and returns what it prints.
func shell(t testing.TB, s *Spec, script string) string {
	t.Helper()
	s.ID = namespaces.NewID()
	s.Args = []string{"/bin/sh", "-euc", script}
	require.NoError(t, s.Validate())
	out, err := os.CreateTemp(t.TempDir(), "")
	require.NoError(t, err)
	defer out.Close()
	p := &namespaces.Process{Stdout: out, Stderr: out}
	code, err := namespaces.Foreground(p, Outside(s, p))
	require.NoError(t, err)
	printed := slurp(t, out.Name())
	require.Zero(t, code, printed)
	return printed
}

// inOwnMounts calls do in a mount namespace of its own. The thread ends with
// it, and the namespace with the thread. The process's first thread is spared:
// it never ends, and /proc/self shows its mounts.
func inOwnMounts(t testing.TB, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == os.Getpid() {
			inOwnMounts(t, do) // on another thread, since this one is taken
			runtime.UnlockOSThread()
			return
		}
		require.NoError(t, unix.Unshare(unix.CLONE_FS|unix.CLONE_NEWNS))
		require.NoError(t, unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
		do()
	}()
	<-done
}

// inUnion mounts the stack and calls look with the place.
func inUnion(t testing.TB, s *Spec, look func(root string)) {
	t.Helper()
	inOwnMounts(t, func() {
		require.NoError(t, mountOverlay(s))
		look(s.Rootfs)
	})
}

func TestAContainerSeesTheLayersAsOneAndChangesOnlyItsOwn(t *testing.T) {
	notrace.Check(t)
	base := busyroot.New(t)
	require.NoError(t, os.WriteFile(base+"/etc/motd", []byte("from the base\n"), 0o644))
	app := applied(t, dir("etc/"), file("etc/motd", "from the app\n"), file("hello", "hello\n"), file("home/.wh.alice", ""))
	before := census(t, base) + census(t, app)
	s := stackOf(t, app, base)

	require.Equal(t, "from the app\nhello\nroot:x:0:0:root:/root:/bin/sh\n",
		shell(t, s, "cat /etc/motd /hello; head -n1 /etc/passwd; ! test -e /home/alice"))
	shell(t, s, "echo mine > /etc/motd; rm /hello; touch /new")
	require.Equal(t, "mine\n", shell(t, s, "cat /etc/motd; ! test -e /hello; test -e /new"), "changes stay for the next start")

	require.Equal(t, before, census(t, base)+census(t, app), "the layers are shared: S40")
	other := stackOf(t, app, base)
	require.Equal(t, "from the app\nhello\n", shell(t, other, "cat /etc/motd /hello; ! test -e /new"), "the next container begins afresh")
}

func TestTheHostsMountTableStaysClean(t *testing.T) {
	notrace.Check(t)
	s := stackOf(t, t.TempDir(), busyroot.New(t))
	host := slurp(t, "/proc/self/mountinfo")
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	s.Args = []string{"/bin/sh", "-c", "echo ready; grep ' / ' /proc/mounts; read wait"}
	stdin, hold, err := os.Pipe()
	require.NoError(t, err)
	defer stdin.Close()
	p := &namespaces.Process{Stdin: stdin, Stdout: write}
	outside := Outside(s, p)
	require.NoError(t, namespaces.Launch(p, outside))
	t.Cleanup(func() { require.NoError(t, namespaces.Undo(outside)) })
	write.Close()
	var told [4096]byte
	for text := ""; !strings.Contains(text, "overlay / "); {
		n, err := read.Read(told[:])
		require.NoError(t, err, text)
		text += string(told[:n])
		require.NotContains(t, text, s.Lower[0], "the container learns where its layers are")
	}
	require.Equal(t, host, slurp(t, "/proc/self/mountinfo"), "while it runs")
	require.NoError(t, hold.Close())
	_, err = p.Wait()
	require.NoError(t, err)
	require.NoError(t, p.Close())
}

func TestTheTopmostLayerWins(t *testing.T) {
	notrace.Check(t)
	var lower []string
	for _, name := range []string{"top", "middle", "bottom"} {
		lower = append(lower, applied(t, file("who", name), file("only-"+name, "")))
	}
	inUnion(t, stackOf(t, lower...), func(root string) {
		require.Equal(t, "top", slurp(t, root+"/who"))
		require.Subset(t, names(t, root), []string{"only-top", "only-middle", "only-bottom"})
	})
}

func TestWhatALayerTakesAwayIsGone(t *testing.T) {
	notrace.Check(t)
	bottom := applied(t, dir("d/"), file("d/old", ""), dir("e/"), file("e/old", ""), file("f", ""), dir("g/"), file("g/old", ""))
	top := applied(t, file("d/.wh..wh..opq", ""), file("d/new", ""), file("e/.wh.old", ""), file(".wh.f", ""),
		dir("g/"), file("g/new", ""), file(".wh.g", ""))
	inUnion(t, stackOf(t, top, bottom), func(root string) {
		require.Equal(t, []string{"d", "e", "g"}, names(t, root))
		require.Equal(t, []string{"new"}, names(t, root+"/d"))
		require.Empty(t, names(t, root+"/e"))
		require.Equal(t, []string{"new"}, names(t, root+"/g"))
	})
	rootOpaque := applied(t, file(".wh..wh..opq", ""), file("alone", ""))
	inUnion(t, stackOf(t, rootOpaque, top, bottom), func(root string) {
		require.Equal(t, []string{"alone"}, names(t, root), "the kernel by itself would show the layers below")
	})
}

// S39: names that would be options if they were put into a string.
func TestNoNameOfADirectoryIsTakenForAnOption(t *testing.T) {
	notrace.Check(t)
	for _, name := range []string{"a:b", "a,upperdir=x", `back\slash`, `a\:b\,c`, "a b\nc", "a:b,upperdir=x", strings.Repeat("long", 60)} {
		t.Run(name, func(t *testing.T) {
			top := filepath.Join(t.TempDir(), name)
			var lower []string
			for _, layer := range []string{"1", "2"} {
				dir := filepath.Join(top, name, layer)
				require.NoError(t, os.MkdirAll(dir, 0o755))
				require.NoError(t, os.WriteFile(dir+"/from-"+layer, nil, 0o600))
				lower = append(lower, dir)
			}
			s := stackOf(t, lower...)
			s.Upper, s.Work, s.Rootfs = top+"/upper", top+"/work", top+"/root"
			inUnion(t, s, func(root string) {
				require.Equal(t, []string{"from-1", "from-2"}, names(t, root))
				require.NoError(t, os.WriteFile(root+"/written", nil, 0o600))
			})
			require.FileExists(t, top+"/upper/written")
		})
	}
}

func TestManyLayers(t *testing.T) {
	notrace.Check(t)
	top := t.TempDir()
	var lower []string
	for n := range mostLowers {
		dir := fmt.Sprintf("%s/%03d", top, n)
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(fmt.Sprintf("%s/f%03d", dir, n), nil, 0o600))
		lower = append(lower, dir)
	}
	for _, count := range []int{2, 128, mostLowers} {
		s := stackOf(t, lower[:count]...)
		inOwnMounts(t, func() {
			err := mountOverlay(s)
			if count == mostLowers && err != nil {
				require.ErrorContains(t, err, "need Linux 6.7", "an old kernel's page is full, and we say so")
				return
			}
			require.NoError(t, err)
			require.Len(t, names(t, s.Rootfs), count)
		})
	}
	s := stackOf(t, append(lower, top)...)
	s.Args = []string{"true"}
	require.ErrorContains(t, s.Validate(), "501 lower directories")
}

func TestTheContainersRootLooksAsTheTopmostLayerSays(t *testing.T) {
	notrace.Check(t)
	top := applied(t, dir("./").with(func(h *tar.Header) { h.Mode, h.Uid = 0o711, 7 }), file("f", ""))
	s := stackOf(t, top, t.TempDir())
	inUnion(t, s, func(root string) {
		require.EqualValues(t, unix.S_IFDIR|0o711, lstat(t, root).Mode)
		require.EqualValues(t, 7, lstat(t, root).Uid)
		require.NoError(t, os.Chmod(root, 0o700))
	})
	inUnion(t, s, func(root string) {
		require.EqualValues(t, unix.S_IFDIR|0o700, lstat(t, root).Mode, "an upper directory that exists is left alone")
	})
}

func TestWithoutAnUpperDirectoryNothingCanBeChanged(t *testing.T) {
	notrace.Check(t)
	s := stackOf(t, applied(t, file("a", "")), applied(t, file("b", "")))
	s.Upper, s.Work = "", ""
	inUnion(t, s, func(root string) {
		require.Equal(t, []string{"a", "b"}, names(t, root))
		require.ErrorIs(t, os.WriteFile(root+"/c", nil, 0o600), unix.EROFS)
	})
}
