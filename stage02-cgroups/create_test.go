package cgroups

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

func TestUndoKillsAndRemovesAlsoFromAFreshProcess(t *testing.T) {
	notrace.Check(t)
	c := start(t, container("sh", "-c", "trap '' TERM; sleep 1000 & sleep 1000 & wait"))
	require.Positive(t, places(t, c.spec))

	// All that a fresh process has is the Spec on disk.
	text, err := json.Marshal(c.spec)
	require.NoError(t, err)
	var again Spec
	require.NoError(t, json.Unmarshal(text, &again))
	require.NoError(t, namespaces.Undo(Create(&again, &namespaces.Process{})))
	require.Zero(t, places(t, c.spec))
	_, code := c.end(t)
	require.Equal(t, 137, code)
	require.NoError(t, namespaces.Undo(Create(&again, &namespaces.Process{})), "twice is no harm")
}

// Killed at any mkdir, create leaves a part of the directories it makes, in
// their order. Nothing but the Spec tells Undo how far it came.
func TestUndoRemovesWhatAKilledCreateHadMade(t *testing.T) {
	notrace.Check(t)
	s := container("true")
	s.CgroupPath = parent + "/of-" + s.ID + "/" + s.ID
	system, err := Detect()
	require.NoError(t, err)
	var dirs []string
	for _, h := range system.Hierarchies {
		dir := filepath.Join(h.Mountpoint, s.CgroupPath)
		dirs = append(dirs, filepath.Dir(dir), dir)
	}
	for made := range len(dirs) + 1 {
		for _, dir := range dirs[:made] {
			require.NoError(t, os.MkdirAll(dir, 0o755))
		}
		require.NoError(t, namespaces.Undo(Create(s, &namespaces.Process{})))
		for _, dir := range dirs {
			require.NoDirExists(t, dir, "after %d directories", made)
		}
	}
}

func TestACommandThatIsNotThereLeavesNothing(t *testing.T) {
	notrace.Check(t)
	s, p := container("/no/such/command"), &namespaces.Process{}
	err := namespaces.Launch(p, Outside(s, p))
	require.Equal(t, namespaces.ExitNotFound, namespaces.ExitCode(err), "%v", err)
	require.Zero(t, places(t, s))
}

func TestALimitThatTheKernelRefusesLeavesNothing(t *testing.T) {
	notrace.Check(t)
	s, p := container("true"), &namespaces.Process{}
	s.Limits.CPUSetCPUs = "8000"
	err := namespaces.Launch(p, Outside(s, p))
	require.ErrorContains(t, err, "cgroups/limit: limit cpuset")
	require.ErrorContains(t, err, "/sys/devices/system/cpu/online")
	require.Equal(t, namespaces.ExitEngine, namespaces.ExitCode(err))
	require.Zero(t, places(t, s))
}

func TestACgroupThatCanNotBeMadeLeavesNothingAboveIt(t *testing.T) {
	notrace.Check(t)
	s, p := container("true"), &namespaces.Process{}
	above := parent + "/of-" + s.ID
	s.CgroupPath = above + "/cgroup.procs" // the name of a file that every group has
	err := namespaces.Launch(p, Outside(s, p))
	require.ErrorIs(t, err, fs.ErrExist)
	system, err := Detect()
	require.NoError(t, err)
	for _, h := range system.Hierarchies {
		require.NoDirExists(t, filepath.Join(h.Mountpoint, above))
	}
}

func TestACgroupThatExistsIsNeitherSharedNorHarmed(t *testing.T) {
	notrace.Check(t)
	first := start(t, container("sleep", "1000"))
	second, p := container("true"), &namespaces.Process{}
	second.CgroupPath = parent + "/" + first.spec.ID
	err := namespaces.Launch(p, Outside(second, p))
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "cgroups/create")
	pids, err := first.group(t).Procs()
	require.NoError(t, err)
	require.Equal(t, []int{first.Pid}, pids, "the first container lives")
}
