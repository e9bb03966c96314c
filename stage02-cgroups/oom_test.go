package cgroups

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// hungry takes more memory than it may, in a child: the command goes on when
// that is killed, and sleeps.
const hungry = `tail /dev/zero; echo $?; exec sleep 1000`

func TestTheKernelWakesWhoWatchesForOOM(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", `read go; `+hungry)
	s.Limits = Limits{Memory: 16 * mib, MemorySwap: 16 * mib}
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	c := startWith(t, s, reader)
	watch, err := c.group(t).WatchOOM()
	require.NoError(t, err)

	_, err = writer.WriteString("go\n")
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	require.NoError(t, watch.Next())
	if c.group(t).version == 2 { // which tells afterwards
		kills, err := c.group(t).OOMKills()
		require.NoError(t, err)
		require.EqualValues(t, 1, kills)
	}

	// Version 1 tells the end of the group too. Version 2 doesn't: who removes
	// the group closes the watch.
	version := c.group(t).version
	require.NoError(t, c.group(t).Destroy())
	if version == 1 {
		for err == nil {
			err = watch.Next()
		}
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	require.NoError(t, watch.Close())
}

func TestAWatchEndsWithItsClose(t *testing.T) {
	notrace.Check(t)
	s := container("sleep", "1000")
	s.Limits.Memory = 64 * mib
	watch, err := start(t, s).group(t).WatchOOM()
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		for {
			if err := watch.Next(); err != nil {
				done <- err
				return
			}
		}
	}()
	require.NoError(t, watch.Close())
	require.ErrorIs(t, <-done, os.ErrClosed)
	require.NoError(t, watch.Close(), "twice is no harm")
	require.ErrorIs(t, watch.Next(), os.ErrClosed)
}

func TestAGroupWithoutMemoryCannotBeWatched(t *testing.T) {
	none := &Group{version: 1, places: []place{{dir: t.TempDir(), controllers: []string{"freezer"}}}}
	_, err := none.WatchOOM()
	require.ErrorIs(t, err, fs.ErrNotExist)
	for version := 1; version <= 2; version++ {
		g := &Group{version: version, places: []place{{dir: filepath.Join(t.TempDir(), "gone"), controllers: controllers}}}
		_, err := g.WatchOOM()
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

// S24: the kill is the container's own affair: of a child of PID 1 too it is
// counted, PID 1 lives, and so do we, who are outside.
func TestAChildThatIsKilledByTheOOMKillerIsCounted(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", `tail /dev/zero; echo $?`)
	s.Limits = Limits{Memory: 16 * mib, MemorySwap: 16 * mib}
	c := start(t, s)
	output, code := c.end(t)
	require.Zero(t, code)
	require.Contains(t, output, "137\n")
	kills, err := c.group(t).OOMKills()
	require.NoError(t, err)
	require.EqualValues(t, 1, kills)
	stats, err := c.group(t).Stats()
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Memory.OOMKills)
}

// S24: a tmpfs is memory: who fills one runs into the limit all the same.
func TestWhatIsInATmpfsIsMemoryOfTheGroup(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", `mount -t tmpfs -o size=64m none /mnt && exec cat /dev/zero > /mnt/file`)
	s.Namespaces = namespaces.New(namespaces.Mount)
	s.Limits = Limits{Memory: 16 * mib, MemorySwap: 16 * mib}
	c := start(t, s)
	output, code := c.end(t)
	require.Equal(t, 137, code, output)
	kills, err := c.group(t).OOMKills()
	require.NoError(t, err)
	require.Positive(t, kills)
}

// At its limit without the OOM killer a group stands still, in a sleep from
// which only SIGKILL wakes. It must be possible to kill it nevertheless.
//
// Who sleeps is a program that touches its memory itself, as the shell does
// that doubles a word. For one whose memory the kernel fills in read(2), as
// busybox's tail has it, there is ENOMEM instead.
func TestWithoutTheOOMKillerAGroupStandsStillAndCanBeKilled(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", "word=word; while :; do word=$word$word; done")
	s.Limits = Limits{Memory: 16 * mib, MemorySwap: 16 * mib, OOMKillDisable: true}
	if system, err := Detect(); err != nil || system.Version == 2 {
		require.ErrorContains(t, (&Group{version: 2, places: []place{{}}}).set(s.Limits), "can't keep the OOM killer away")
		return
	}
	c := start(t, s)
	dir, _ := c.group(t).dir("memory")
	require.Eventually(t, func() bool {
		table, err := readTable(dir, "memory.oom_control")
		return err == nil && table["under_oom"] == 1 && table["oom_kill"] == 0
	}, time.Minute, time.Millisecond)
	begin := time.Now()
	require.NoError(t, c.group(t).Destroy())
	require.Less(t, time.Since(begin), patience)
	_, code := c.end(t)
	require.Equal(t, 137, code)
}

func TestTheOOMKillerTakesAllOrOne(t *testing.T) {
	notrace.Check(t)
	s := container("sh", "-c", hungry)
	s.Limits = Limits{Memory: 16 * mib, MemorySwap: 16 * mib, OOMGroup: true}
	if system, err := Detect(); err != nil || system.Version == 1 {
		err := (&Group{version: 1, places: []place{{controllers: controllers}}}).set(s.Limits)
		require.ErrorContains(t, err, "one process at a time")
		require.False(t, errors.Is(err, fs.ErrNotExist))
		return
	}
	c := start(t, s)
	_, code := c.end(t)
	require.Equal(t, 137, code, "the shell too, though it isn't the hungry one")
}
