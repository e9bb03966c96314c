package cli

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// R32
func TestAPausedContainerStandsStillAndCanBeEnded(t *testing.T) {
	h := newHost(t)
	run := func(name string) {
		h.ok("run", "-d", "--name", name, "--network", "none", "base", "sh", "-c", "trap 'exit 5' TERM; while :; do sleep 0.1; done")
		require.Equal(t, name, h.ok("pause", name))
	}
	run("web")
	require.Regexp(t, `^paused Up .* \(Paused\)$`, h.ok("ps", "--format", "{{.State}} {{.Status}}"))
	require.Equal(t, "paused true true", h.ok("inspect", "-f", "{{.State.Status}} {{.State.Paused}} {{.State.Running}}", "web"))
	for _, line := range [][]string{{"pause", "web"}, {"exec", "web", "true"}, {"start", "web"}, {"rm", "web"}} {
		r := h.cooper(line...)
		require.Equal(t, 1, r.code, "%q", line)
		require.Contains(t, r.stderr, "ontainer")
	}
	require.Equal(t, "web", h.ok("unpause", "web"))
	require.Equal(t, 1, h.cooper("unpause", "web").code)
	require.Equal(t, "running", h.ok("ps", "--format", "{{.State}}"))
	h.ok("pause", "web")
	h.ok("stop", "web")
	require.Equal(t, "5", h.ok("wait", "web"), "it has heeded the signal")
	require.Equal(t, 1, h.cooper("pause", "web").code)
	run("killed")
	h.ok("kill", "killed")
	require.Equal(t, "137", h.ok("wait", "killed"))
	run("removed")
	h.ok("rm", "-f", "removed")
	run("orphaned") // its shim is killed: the next command ends what is left
	shim, err := strconv.Atoi(h.ok("inspect", "-f", "{{.State.ShimPid}}", "orphaned"))
	require.NoError(t, err)
	require.NoError(t, unix.Kill(shim, unix.SIGKILL))
	require.Equal(t, "137", h.ok("wait", "orphaned"))
}

func TestUpdateChangesTheKernelsLimitsAndTheRecord(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "web", "--network", "none", "-m", "64m", "base", "sleep", "1000")
	limits := func() string {
		return h.ok("exec", "web", "sh", "-c", "cd /sys/fs/cgroup; cat pids/pids.max pids.max cpu/cpu.cfs_quota_us cpu.max 2>/dev/null; cat memory/memory.limit_in_bytes memory.max 2>/dev/null; true")
	}
	require.Equal(t, "web", h.ok("update", "--pids-limit", "77", "--cpus", "0.5", "-m", "256m", "web"))
	words := strings.Fields(limits())
	require.Equal(t, "77", words[0])
	require.Equal(t, "50000", words[1])
	require.Equal(t, "268435456", words[len(words)-1])
	about := "{{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}"
	require.Equal(t, "77 500000000 268435456", h.ok("inspect", "-f", about, "web"))

	r := h.cooper("update", "-m", "1m", "web")
	require.Equal(t, 1, r.code)
	require.Equal(t, "77 500000000 268435456", h.ok("inspect", "-f", about, "web"), "what is refused isn't written down")
	r = h.cooper("update", "web")
	require.Equal(t, 125, r.code)
	require.Contains(t, r.stderr, "you must provide one or more flags")

	h.ok("stop", "-t", "0", "web")
	h.ok("update", "--pids-limit", "99", "web")
	h.ok("start", "web")
	words = strings.Fields(limits())
	require.Equal(t, []string{"99", "50000"}, words[:2], "all of it holds for the next run")
}

// As with Docker, one process is enough for a command that stays alone. How many
// there may be changes while it runs, and holds for the next run.
func TestAPidsLimitMayBeAsSmallAsOne(t *testing.T) {
	h := newHost(t)
	run := []string{"run", "--rm", "--network", "none", "--pids-limit", "1"}
	require.Equal(t, "alone", h.ok(append(run, "base", "echo", "alone")...))
	r := h.cooper(append(run, "base", "sh", "-c", "true | true; date; echo done")...)
	require.Equal(t, 2, r.code, r.stderr)
	require.Contains(t, r.stderr, "fork")
	require.Equal(t, 127, h.cooper(append(run, "base", "/no/such")...).code)

	r = h.cooper(append(run, "--init", "base", "true")...)
	require.Equal(t, 125, r.code)
	require.Contains(t, r.stderr, "pids limit of 1: use at least 8 with an init")
	h.ok("run", "-d", "--name", "tended", "--network", "none", "--init", "base", "sleep", "1000")
	require.Contains(t, h.cooper("update", "--pids-limit", "3", "tended").stderr, "pids limit of 3: use at least 8 with an init")
	require.Equal(t, "true", h.ok("inspect", "-f", "{{.State.Running}}", "tended"))

	h.ok("run", "-d", "--name", "web", "--network", "none", "base", "sh", "-c", "cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/pids/pids.max 2>/dev/null; exec sleep 1000")
	logs := func(text string) {
		require.Eventually(t, func() bool { return h.ok("logs", "web") == text }, 20*time.Second, 10*time.Millisecond, text)
	}
	logs("2048")
	h.ok("update", "--pids-limit", "3", "web")
	require.Equal(t, "3", h.ok("inspect", "-f", "{{.HostConfig.PidsLimit}}", "web"))
	h.ok("stop", "-t", "0", "web")
	h.ok("start", "web")
	logs("2048\n3")
}

func TestStatsShowWhatDockersColumnsShow(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "busy", "-m", "64m", "base", "sh", "-c", "while :; do :; done")
	h.ok("create", "--name", "idle", "--network", "none", "base", "true")
	lines := strings.Split(h.ok("stats", "--no-stream", "-a"), "\n")
	require.Regexp(t, `^CONTAINER ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET I/O +BLOCK I/O +PIDS$`, lines[0])
	require.Len(t, lines, 3)
	require.Regexp(t, `idle +0.00% +0B / 0B +0.00% +0B / 0B +0B / 0B +0`, lines)

	var row map[string]string
	require.NoError(t, json.Unmarshal([]byte(h.ok("stats", "--no-stream", "--format", "json", "busy")), &row))
	require.Regexp(t, `^\d+\.\d\d%$`, row["CPUPerc"])
	require.NotEqual(t, "0.00%", row["CPUPerc"])
	require.Regexp(t, `^[\d.]+[KM]iB / 64MiB$`, row["MemUsage"])
	require.Regexp(t, `^[\d.]+k?B / [\d.]+k?B$`, row["NetIO"])
	require.Equal(t, "1", row["PIDs"])
	require.Equal(t, 1, h.cooper("stats", "--no-stream", "nosuch").code)
}

// S32
func TestTopRunsNothingOfTheContainers(t *testing.T) {
	h := newHost(t)
	dir := t.TempDir()
	for _, name := range []string{"ps", "nsenter"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\ntouch /trap/run\n"), 0o755))
	}
	h.ok("run", "-d", "--name", "web", "--network", "none", "-v", dir+":/trap", "-e", "PATH=/trap:/bin", "base", "sh", "-c", "sleep 1000; true")
	h.ok("exec", "web", "sh", "-c", "until pidof sleep >/dev/null; do :; done")
	lines := strings.Split(h.ok("top", "web"), "\n")
	require.Regexp(t, `^UID +PID +PPID +C +STIME +TTY +TIME +CMD$`, lines[0])
	require.Len(t, lines, 3)
	require.Regexp(t, `^root +`+h.ok("inspect", "-f", "{{.State.Pid}}", "web")+` +`+h.ok("inspect", "-f", "{{.State.ShimPid}}", "web")+` +\d+ +\d\d:\d\d +\? +00:00:\d\d +sh -c sleep 1000; true$`, lines[1])
	require.Contains(t, lines[2], "sleep 1000")
	require.Len(t, strings.Split(h.ok("top", "web", "-ef"), "\n"), 3)
	require.NoFileExists(t, filepath.Join(dir, "run"))
	r := h.cooper("top", "web", "aux")
	require.Equal(t, 125, r.code)
	require.Contains(t, r.stderr, "only -ef is known")
}

func TestAProcessIsShownAsPsShowsIt(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local)
	require.Equal(t, "11:30", startTime(now.Add(-30*time.Minute), now))
	require.Equal(t, "May03", startTime(now.Add(-13*time.Hour), now))
	require.Equal(t, "2024", startTime(now.AddDate(-2, 0, 0), now))
	require.Equal(t, "?", terminalName(0))
	require.Equal(t, "pts/3", terminalName(136<<8|3))
	require.Equal(t, "4:1", terminalName(4<<8|1))
	require.Equal(t, "01:02:03", clockTime(time.Hour+2*time.Minute+3*time.Second+time.Millisecond))
	require.Equal(t, 50, busy(engine.ProcessInfo{Started: now.Add(-time.Minute), CPUTime: 30 * time.Second}, now))
	require.Equal(t, 0, busy(engine.ProcessInfo{Started: now.Add(time.Second)}, now))
}

func TestANewPageHidesTheOneBefore(t *testing.T) {
	var screen strings.Builder
	table := statsTable(nil, nil, false)
	require.NoError(t, redraw(&screen, func(w io.Writer) error { return table.print(w, "") }))
	require.Regexp(t, "^\x1b\\[HCONTAINER ID .*PIDS\x1b\\[K\n\x1b\\[J$", screen.String())
}
