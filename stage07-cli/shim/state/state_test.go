package state

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAProcessIsNamedForEver(t *testing.T) {
	me, err := Identify(os.Getpid())
	require.NoError(t, err)
	require.True(t, me.Alive())
	for name, change := range map[string]func(*Task){
		"another start time": func(x *Task) { x.Start++ },
		"another boot":       func(x *Task) { x.Boot = "other" },
		"no pid":             func(x *Task) { x.Pid = 0 },
	} {
		other := me
		change(&other)
		require.False(t, other.Alive(), name)
		require.ErrorIs(t, other.Signal(unix.SIGKILL), unix.ESRCH, name)
		_, err := other.Namespace("net")
		require.ErrorIs(t, err, unix.ESRCH, name)
	}
	foreign := me
	foreign.PidNS = "pid:[1]"
	require.True(t, foreign.Alive(), "of another pid namespace nothing can be said, so it is left alone")
	_, err = foreign.Namespace("net")
	require.ErrorIs(t, err, errElsewhere)
}

// In its end a process loses its namespaces, is a zombie, and is nothing: whoever
// asks for a namespace gets it or hears that the process has ended.
func TestANamespaceIsOfTheProcessOrOfNobody(t *testing.T) {
	ours, err := os.Readlink("/proc/self/ns/net")
	require.NoError(t, err)
	for range 300 {
		cmd := exec.Command("true")
		require.NoError(t, cmd.Start())
		task, err := Identify(cmd.Process.Pid)
		require.NoError(t, err)
		waited := make(chan error, 1)
		go func() { waited <- cmd.Wait() }()
		for err == nil {
			var namespace *os.File
			if namespace, err = task.Namespace("net"); err == nil {
				got, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", namespace.Fd()))
				require.NoError(t, err)
				require.Equal(t, ours, got)
				namespace.Close()
			}
		}
		require.ErrorIs(t, err, unix.ESRCH)
		require.NoError(t, <-waited)
	}
}

func TestAZombieIsDead(t *testing.T) {
	cmd := exec.Command("true")
	require.NoError(t, cmd.Start())
	task, err := Identify(cmd.Process.Pid)
	require.NoError(t, err)
	var info unix.Siginfo
	require.NoError(t, unix.Waitid(unix.P_PID, cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT, nil))
	require.False(t, task.Alive())
	require.NoError(t, cmd.Wait())
}

func TestStatIsReadWhateverTheProcessIsCalled(t *testing.T) {
	for _, comm := range []string{"sh", "a b", "x) R 1 2", "(", ""} {
		start, state, err := parseStat([]byte("7 (" + comm + ") S 1 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 4711 1 2 3\n"))
		require.NoError(t, err)
		require.Equal(t, uint64(4711), start)
		require.Equal(t, byte('S'), state)
	}
	for _, bad := range []string{"", "7 (sh", "7 (sh) S 1"} {
		_, _, err := parseStat([]byte(bad))
		require.Error(t, err, bad)
	}
}

func TestAReaderSeesTheOldRecordOrTheNew(t *testing.T) {
	dir := t.TempDir()
	a, b := strings.Repeat("a", 100_000), strings.Repeat("b", 100_000)
	require.NoError(t, WriteJSON(dir, "f", a, Volatile))
	var wg sync.WaitGroup
	for _, text := range []string{a, b} {
		wg.Go(func() {
			for range 50 {
				_ = WriteJSON(dir, "f", text, Volatile)
			}
		})
	}
	for range 100 {
		var got string
		require.NoError(t, ReadJSON(dir, "f", &got))
		require.True(t, got == a || got == b)
	}
	wg.Wait()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file stays")
}

func TestTheStateFollowsFromTheFiles(t *testing.T) {
	me, err := Identify(os.Getpid())
	require.NoError(t, err)
	dead := me
	dead.Start--
	ran := time.Unix(1, 0)
	running := &Status{Run: 2, Shim: me, Init: &me}
	for _, c := range []struct {
		name   string
		status *Status
		exit   *Exit
		want   Phase
	}{
		{"nothing", nil, nil, Created},
		{"a start that failed", nil, &Exit{Run: 1, ExitCode: 127}, Created},
		{"an end", nil, &Exit{Run: 1, StartedAt: ran}, Exited},
		{"a start", &Status{Run: 1, Shim: me}, nil, Starting},
		{"a run", running, nil, Running},
		{"a run after another", running, &Exit{Run: 1, StartedAt: ran}, Running},
		{"a shim that tidies up", running, &Exit{Run: 2, StartedAt: ran}, Exited},
		{"a dead shim", &Status{Run: 2, Shim: dead, Init: &me}, nil, Died},
		{"a shim that died while tidying up", &Status{Run: 2, Shim: dead}, &Exit{Run: 2, StartedAt: ran}, Died},
	} {
		require.Equal(t, c.want, phase(c.status, c.exit), c.name)
	}
}

func TestRemovalFollowsNoLinkAndCrossesNoMount(t *testing.T) {
	notrace.Check(t)
	top := t.TempDir()
	precious := filepath.Join(top, "precious")
	tree := filepath.Join(top, "tree")
	require.NoError(t, os.MkdirAll(filepath.Join(tree, "a", "b", "mounted"), 0o755))
	require.NoError(t, os.Mkdir(precious, 0o755))
	sentinel := filepath.Join(precious, "sentinel")
	require.NoError(t, os.WriteFile(sentinel, nil, 0o600))
	require.NoError(t, os.Symlink(precious, filepath.Join(tree, "a", "link")))
	require.NoError(t, unix.Mount(precious, filepath.Join(tree, "a", "b", "mounted"), "", unix.MS_BIND, ""))
	defer func() { _ = unix.Unmount(filepath.Join(tree, "a", "b", "mounted"), unix.MNT_DETACH) }()
	for i := range 1500 { // more than one read of the directory
		require.NoError(t, os.WriteFile(filepath.Join(tree, "a", strings.Repeat("n", 1+i%200)+string(rune('a'+i/200))), nil, 0o600))
	}
	require.NoError(t, RemoveTree(tree))
	require.NoDirExists(t, tree)
	require.FileExists(t, sentinel)
	require.NoError(t, RemoveTree(tree), "what is gone is gone")
}

func TestMountPointsAreFoundBelowADirectoryOnly(t *testing.T) {
	const text = `21 1 0:1 / / rw - ext4 /dev/a rw
22 21 0:2 / /x/tree rw - tmpfs t rw
23 22 0:3 / /x/tree/with\040space rw - tmpfs t rw
24 21 0:4 / /x/treetop rw - tmpfs t rw
`
	require.Equal(t, []string{"/x/tree", "/x/tree/with space"}, mountPointsBelow(text, "/x/tree"))
}

func TestWhatADeadProcessLeftUnderTmpIsSwept(t *testing.T) {
	l := Layout{Root: t.TempDir(), RunDir: t.TempDir()}
	require.NoError(t, os.Chmod(l.Root, 0o700))
	require.NoError(t, os.Chmod(l.RunDir, 0o700))
	require.NoError(t, l.Make())
	mine, err := l.Scratch("abc")
	require.NoError(t, err)
	require.True(t, l.BeingMade("abc"))
	require.False(t, l.BeingMade("abd"))
	dead := filepath.Join(l.Tmp(), "volume-my.data.4194303.7.boot.1")
	require.NoError(t, os.Mkdir(dead, 0o700))
	id, owner, ok := scratchOwner(filepath.Base(dead))
	require.True(t, ok)
	require.Equal(t, "volume-my.data", id)
	require.Equal(t, Task{Pid: 4194303, Start: 7, Boot: "boot", PidNS: "pid:[1]"}, owner)
	require.NoError(t, l.Sweep())
	require.NoDirExists(t, dead)
	require.DirExists(t, mine)
}

func TestAStaleNameIsTakenOver(t *testing.T) {
	l := Layout{Root: t.TempDir(), RunDir: t.TempDir()}
	require.NoError(t, os.Chmod(l.Root, 0o700))
	require.NoError(t, os.Chmod(l.RunDir, 0o700))
	require.NoError(t, l.Make())
	require.NoError(t, l.ReserveName("web", "gone"), "its container was never finished")
	var wg sync.WaitGroup
	won := make([]error, 20)
	for i := range won {
		id := strings.Repeat(string(rune('a'+i)), 64)
		require.NoError(t, os.Mkdir(l.Container(id), 0o700))
		wg.Go(func() { won[i] = l.ReserveName("web", id) })
	}
	wg.Wait()
	winners := 0
	for _, err := range won {
		if err == nil {
			winners++
			continue
		}
		taken := new(NameTaken)
		require.True(t, errors.As(err, &taken), err)
	}
	require.Equal(t, 1, winners)
	require.NoError(t, l.ReleaseName("web", "somebody else"))
	owner, err := l.NameOwner("web")
	require.NoError(t, err)
	require.NotEmpty(t, owner, "nobody frees another's name")
}
