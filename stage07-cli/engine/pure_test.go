package engine

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage05-images"
	"cooper/stage07-cli/shim/state"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTheStatusReadsAsDockers(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for want, seen := range map[string]state.Observation{
		"Created":                   {Phase: state.Created},
		"Up 3 seconds":              {Phase: state.Running, Status: &state.Status{StartedAt: now.Add(-3 * time.Second)}},
		"Up Less than a second":     {Phase: state.Running, Status: &state.Status{StartedAt: now.Add(time.Hour)}}, // the clock was set back
		"Exited (0) 2 minutes ago":  {Phase: state.Exited, Exit: &state.Exit{FinishedAt: now.Add(-2 * time.Minute)}},
		"Exited (137) 3 weeks ago":  {Phase: state.Exited, Exit: &state.Exit{ExitCode: 137, FinishedAt: now.AddDate(0, 0, -21)}},
		"Exited (255) 24 hours ago": {Phase: state.Died, Status: &state.Status{Shim: state.Task{Boot: "other"}, StartedAt: now.AddDate(0, 0, -1)}},
		"Corrupt":                   {Phase: state.Corrupt},
	} {
		require.Equal(t, want, (&container{seen: seen}).statusText(now))
	}
}

func TestMomentsAreReadAsDockerReadsThem(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	for text, want := range map[string]time.Time{
		"":                     {},
		"10m":                  now.Add(-10 * time.Minute),
		"1136073845":           time.Unix(1136073845, 0),
		"1136073845.000000001": time.Unix(1136073845, 1),
		"1136073845.5":         time.Unix(1136073845, 500_000_000),
		"2006-01-02T15:04:05Z": time.Date(2006, 1, 2, 15, 4, 5, 0, time.UTC),
		"2006-01-02":           time.Date(2006, 1, 2, 0, 0, 0, 0, time.Local),
	} {
		got, err := parseTime(text, now)
		require.NoError(t, err, text)
		require.True(t, want.Equal(got), "%s: %s", text, got)
	}
	for _, bad := range []string{"yesterday", "1.", "1.0000000001", "-", "2006-13-01"} {
		if _, err := parseTime(bad, now); bad != "1." {
			require.ErrorIs(t, err, ErrInvalid, bad)
		}
	}
}

func TestSignalsHaveNamesAndNumbers(t *testing.T) {
	for _, name := range []string{"KILL", "SIGKILL", "sigkill", "kill", "9"} {
		sig, err := parseSignal(name)
		require.NoError(t, err)
		require.Equal(t, unix.SIGKILL, sig)
	}
	for _, bad := range []string{"", "0", "65", "-9", "NOPE", "9 "} {
		_, err := parseSignal(bad)
		require.ErrorIs(t, err, ErrInvalid, bad)
	}
}

func TestChangesAreADockerfilesLines(t *testing.T) {
	var run images.RunConfig
	for _, line := range []string{
		`CMD ["a", "b c"]`, `entrypoint echo $HOME`, `ENV A=1 B="two words"`, `ENV C three words`, `ENV A=2`,
		`EXPOSE 80 53/udp`, `LABEL a=b`, `USER me:us`, `VOLUME /x /y`, `VOLUME ["/z"]`, `WORKDIR /a`, `WORKDIR b`, `STOPSIGNAL INT`,
	} {
		require.NoError(t, applyChange(&run, line), line)
	}
	require.Equal(t, []string{"a", "b c"}, run.Cmd)
	require.Equal(t, []string{"/bin/sh", "-c", "echo $HOME"}, run.Entrypoint)
	require.Equal(t, []string{"B=two words", "C=three words", "A=2"}, run.Env)
	require.Len(t, run.ExposedPorts, 2)
	require.Contains(t, run.ExposedPorts, "80/tcp")
	require.Equal(t, map[string]string{"a": "b"}, run.Labels)
	require.Equal(t, "me:us", run.User)
	require.Len(t, run.Volumes, 3)
	require.Equal(t, "/a/b", run.WorkingDir)
	require.Equal(t, "INT", run.StopSignal)
	for _, bad := range []string{"", "CMD", "RUN x", `ENV A="open`, "ENV A=1 B", "STOPSIGNAL NOPE"} {
		require.ErrorIs(t, applyChange(&run, bad), ErrInvalid, bad)
	}
}

func TestAnImagesConfigurationIsNotChangedByACommit(t *testing.T) {
	parent := images.RunConfig{}
	parent.Labels = map[string]string{"old": "1"}
	copied := parent
	require.NoError(t, applyChange(&copied, "LABEL new=2"))
	require.Equal(t, map[string]string{"old": "1"}, parent.Labels)
}

func TestNamesAreDockers(t *testing.T) {
	for _, good := range []string{"a", "web", "Web_1.x-y", "x..", strings.Repeat("a", 128), "9"} {
		require.True(t, validName(good), good)
	}
	for _, bad := range []string{"", "-x", ".x", "_x", "a/b", "a b", "ä", "a\n", strings.Repeat("a", 129), ".."} {
		require.False(t, validName(bad), bad)
	}
}

func TestLimitsOfDisksAreToldAsDockerTellsThem(t *testing.T) {
	var h InspectHostConfig
	h.inspectIO(Limits{
		BlkioWeight: 300, BlkioWeightDevice: []cgroups.WeightDevice{{Path: "/dev/sdb", Major: 8, Minor: 16, Weight: 500}},
		DeviceReadBps:  []cgroups.ThrottleDevice{{Path: "/dev/sdb", Major: 8, Minor: 16, Rate: 1}},
		DeviceWriteBps: []cgroups.ThrottleDevice{{Major: 8, Minor: 16, Rate: 2}},
		DeviceReadIOps: []cgroups.ThrottleDevice{{Path: "/dev/sdb", Rate: 3}}, DeviceWriteIOps: []cgroups.ThrottleDevice{{Path: "/dev/sdb", Rate: 4}},
	})
	text, err := json.Marshal(h)
	require.NoError(t, err)
	for _, want := range []string{
		`"BlkioWeight":300`, `"BlkioWeightDevice":[{"Path":"/dev/sdb","Weight":500}]`,
		`"BlkioDeviceReadBps":[{"Path":"/dev/sdb","Rate":1}]`, `"BlkioDeviceWriteBps":[{"Path":"/dev/block/8:16","Rate":2}]`,
		`"BlkioDeviceReadIOps":[{"Path":"/dev/sdb","Rate":3}]`, `"BlkioDeviceWriteIOps":[{"Path":"/dev/sdb","Rate":4}]`,
	} {
		require.Contains(t, string(text), want)
	}
}
