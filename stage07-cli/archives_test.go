package cli

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestImagesGoFromOneEngineToAnotherThroughAPipeOrAFile(t *testing.T) {
	h := newHost(t)
	id := h.ok("images", "-q", "--no-trunc")
	h.ok("tag", "base", "base:two")
	r := h.shell("cooper save base | gzip | COOPER_ROOT=$PWD/other cooper load")
	require.Equal(t, result{0, "Loaded image: base:latest\nLoaded image: base:two\n", ""}, r)
	r = h.shell("COOPER_ROOT=$PWD/other cooper images -q --no-trunc; COOPER_ROOT=$PWD/other cooper run --rm --network none base:two echo runs")
	require.Equal(t, id+"\n"+id+"\nruns\n", r.stdout, r.stderr)

	file := filepath.Join(filepath.Dir(h.root), "base.tar")
	h.ok("save", "-o", file, "base:two")
	r = h.shell("cooper image save base:two | cmp - base.tar")
	require.Zero(t, r.code, r.stderr)
	h.ok("rmi", "base:two")
	require.Equal(t, "Loaded image: base:two", h.ok("image", "load", "-q", "-i", file))
	h.ok("create", "--name", "c", "base")
	h.ok("commit", "c", "base:two")
	other := h.ok("images", "-q", "--no-trunc", "base:two")
	require.Equal(t, "The image base:two already exists, renaming the old one with ID "+other+" to empty string\nLoaded image: base:two", h.ok("load", "-i", file))
	r = h.shell("cooper save " + id + " | cooper load")
	require.Equal(t, "Loaded image ID: "+id+"\n", r.stdout)
}

func TestASaveReplacesItsFileWhenItIsWholeAndLeavesNothingWhenItIsKilled(t *testing.T) {
	h := newHost(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "base.tar")
	require.NoError(t, os.WriteFile(file, []byte("before"), 0o600))
	r := h.cooper("save", "-o", file, "base", "nosuch")
	require.Equal(t, 1, r.code)
	requireOnly(t, dir, "before")

	// A store whose lock somebody holds lets the save begin, and not go on.
	lock, err := os.OpenFile(filepath.Join(h.root, "images", "lock"), os.O_RDWR, 0)
	require.NoError(t, err)
	defer lock.Close()
	require.NoError(t, unix.Flock(int(lock.Fd()), unix.LOCK_EX))
	command := h.command("save", "-o", file, "base")
	require.NoError(t, command.Start())
	awaitOpen(t, command.Process.Pid, dir)
	require.NoError(t, command.Process.Kill())
	_ = command.Wait()
	requireOnly(t, dir, "before")
	require.NoError(t, lock.Close())

	h.ok("save", "-o", file, "base")
	info, err := os.Stat(file)
	require.NoError(t, err)
	require.Greater(t, info.Size(), int64(1<<20))
	require.Equal(t, os.FileMode(0o600), info.Mode())
}

// requireOnly wants one file in a directory, with this content.
func requireOnly(t *testing.T, dir, content string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	data, err := os.ReadFile(filepath.Join(dir, entries[0].Name()))
	require.NoError(t, err)
	require.Equal(t, content, string(data))
}

// awaitOpen waits until a process has a file of a directory open.
func awaitOpen(t *testing.T, pid int, dir string) {
	t.Helper()
	require.Eventually(t, func() bool {
		links, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd", "*"))
		for _, link := range links {
			if target, err := os.Readlink(link); err == nil && filepath.Dir(target) == dir {
				return true
			}
		}
		return false
	}, 20*time.Second, 10*time.Millisecond)
}
