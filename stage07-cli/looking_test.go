package cli

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestImagesAreListedTaggedAndRemoved(t *testing.T) {
	h := newHost(t)
	id := h.ok("images", "-q", "--no-trunc")
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, id)
	require.Regexp(t, `^REPOSITORY   TAG       IMAGE ID       CREATED +SIZE\nbase         latest    `+id[7:19]+` +.* ago +[\d.]+[kM]B$`, h.ok("images"))
	h.ok("tag", "base", "cask:1")
	require.Equal(t, "base:latest\ncask:1", strings.Join(sorted(h.ok("images", "--format", "{{.Repository}}:{{.Tag}}")), "\n"))
	require.Equal(t, id, h.ok("image", "inspect", "-f", "{{.Id}}", "cask:1"))
	require.Equal(t, "Untagged: cask:1", h.ok("rmi", "cask:1"))

	h.ok("run", "--name", "worker", "--network", "none", "base", "sh", "-c", "echo stout > /beer")
	r := h.cooper("rmi", "base")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "is using")
	made := h.ok("commit", "-m", "a note", "-c", `CMD ["cat", "/beer"]`, "worker", "beer:1")
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, made)
	require.Equal(t, "stout", h.ok("run", "--rm", "--network", "none", "beer:1"))
	require.Equal(t, "a note", h.ok("inspect", "--type", "image", "-f", "{{.Comment}}", "beer:1"))
	h.ok("rm", "worker")
	require.Contains(t, h.ok("rmi", "beer:1"), "Untagged: beer:1")
}

func sorted(lines string) []string {
	return slices.Sorted(slices.Values(strings.Split(lines, "\n")))
}

func TestInspectTellsOfManyThings(t *testing.T) {
	h := newHost(t)
	h.ok("volume", "create", "cask")
	h.ok("create", "--name", "web", "--network", "none", "base", "true")
	r := h.cooper("inspect", "web", "nosuch", "base", "cask")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.stderr, "nosuch")
	var all []map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &all))
	require.Len(t, all, 3)
	require.Equal(t, "/web", all[0]["Name"])
	require.Equal(t, "linux", all[1]["Os"])
	require.Equal(t, "cask", all[2]["Name"])
	h.ok("rm", "web")
	h.ok("volume", "rm", "cask")
}

func TestTheShellKnowsTheNames(t *testing.T) {
	h := newHost(t)
	h.ok("create", "--name", "web", "--network", "none", "base", "true")
	h.ok("volume", "create", "cask")
	for line, want := range map[string]string{"rm": "web", "container stop": "web", "run": "base:latest", "volume rm": "cask"} {
		require.Equal(t, want, h.ok(append(words(line), "--generate-bash-completion")...), line)
	}
	require.NotContains(t, h.ok("rm", "-f", "--generate-bash-completion"), "web")
	h.ok("volume", "rm", "cask")
}

// What is planned is what is done, step by step, on either side.
func TestPlanTellsWhatRunExplains(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--name", "donor", "--network", "none", "--ipc", "shareable", "base", "sleep", "1000")
	for _, line := range []string{
		"base true", "-p 127.0.0.1::80 -v data:/d -m 64m --init base true", "--network none --read-only --tmpfs /t -w /made -u 1000 base true",
		"--network container:donor --ipc container:donor --pid container:donor base true", "--network none --privileged base true",
		"--network none --oom-score-adj 100 --ulimit core=0 --security-opt no-new-privileges --sysctl kernel.msgmax=9000 base true",
	} {
		r := h.cooper(append([]string{"run", "--rm", "--explain=json"}, words(line)...)...)
		require.Zero(t, r.code, "%s: %s", line, r.stderr)
		var done [2][]string
		for event := range strings.Lines(r.stderr) {
			var e struct {
				Step   string
				Inside bool
			}
			require.NoError(t, json.Unmarshal([]byte(event), &e), event)
			side := &done[0]
			if e.Inside {
				side = &done[1]
			}
			*side = append(*side, e.Step)
		}
		outside, inside, _ := strings.Cut(h.ok(append([]string{"plan"}, words(line)...)...), "inside, by the child")
		require.Equal(t, done, [2][]string{stepNames(outside), stepNames(inside)}, line)
	}
}

func stepNames(plan string) (names []string) {
	for _, found := range regexp.MustCompile(`(?m)^ *[0-9]+ +([a-z]+/[a-z_0-9]+) `).FindAllStringSubmatch(plan, -1) {
		names = append(names, found[1])
	}
	return names
}

func TestPlanTellsTheStepsAndTakesNone(t *testing.T) {
	h := newHost(t)
	before := h.state()
	plan := h.ok("plan", "--memory", "64m", "base", "true")
	for _, step := range []string{"cgroups/limit", "namespaces/clone", "unionfs/overlay", "rootfs/pivot_root", "network/veth"} {
		require.Contains(t, plan, step)
	}
	require.Equal(t, before, h.state())
	r := h.cooper("run", "--rm", "--network", "none", "--explain=json", "base", "true")
	require.Zero(t, r.code)
	seen := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(r.stderr), "\n") {
		var event struct{ Step, Chapter string }
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		require.Contains(t, event.Chapter, "docs/")
		seen[event.Step] = true
	}
	require.True(t, seen["rootfs/pivot_root"] && seen["namespaces/clone"], "%v", seen)
}
