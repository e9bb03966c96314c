package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stocked is a host with images to choose from: base, app:1, app:2 upon it with
// a label, and one that lost its name.
func stocked(t *testing.T) (h *host, ids map[string]string) {
	h = newHost(t)
	h.ok("create", "--name", "c", "base")
	ids = map[string]string{"base": h.ok("images", "-q", "base")}
	h.ok("commit", "-m", "lost", "c", "app:2")
	ids["lost"] = h.ok("images", "-q", "app:2")
	h.ok("commit", "-c", "LABEL kind=test", "c", "app:1")
	ids["app:1"] = h.ok("images", "-q", "app:1")
	h.ok("run", "--name", "changed", "--network", "none", "base", "sh", "-c", "head -c 3000000 /dev/zero > /big")
	h.ok("commit", "-c", "LABEL kind=other", "changed", "app:2")
	ids["app:2"] = h.ok("images", "-q", "app:2")
	h.ok("rm", "changed")
	return h, ids
}

func TestImagesAreChosenByFiltersAndNames(t *testing.T) {
	h, ids := stocked(t)
	h.ok("tag", "app:1", "host.example:5000/app:x")
	for line, want := range map[string]string{
		"":                              "app:2 app:1 host.example:5000/app:x base:latest <none>:<none>",
		"-a":                            "app:2 app:1 host.example:5000/app:x base:latest <none>:<none>",
		"app":                           "app:1 app:2",
		"app:1":                         "app:1",
		"docker.io/library/app":         "app:1 app:2",
		"ap*":                           "app:1 app:2",
		"host.example:5000/*":           "host.example:5000/app:x",
		"nosuch":                        "",
		"-f dangling=true":              "<none>:<none>",
		"-f dangling=false app:2":       "app:2",
		"-f label=kind":                 "app:2 app:1 host.example:5000/app:x",
		"-f label=kind=test":            "app:1 host.example:5000/app:x",
		"-f label=kind -f label!=kind":  "",
		"-f reference=b*":               "base:latest",
		"-f since=" + ids["app:1"]:      "app:2",
		"-f before=app:1 -f reference=": "",
		"-f before=" + ids["lost"]:      "base:latest",
		"-f until=1000h":                "base:latest",
	} {
		got := h.ok(append([]string{"images", "--format", "{{.Repository}}:{{.Tag}}"}, words(line)...)...)
		if line == "-f until=1000h" { // base is as old as this machine's programs
			require.Subset(t, []string{"", "base:latest"}, []string{got})
			continue
		}
		require.Equal(t, strings.Join(sorted(strings.ReplaceAll(want, " ", "\n")), "\n"), strings.Join(sorted(got), "\n"), line)
	}
	for line, says := range map[string]string{"-f frob=1": "use before", "-f dangling": "KEY=VALUE", "-f dangling=x": "true or false", "-f since=nosuch": "nosuch",
		"-f until=soon": "soon", "a[": "a["} {
		r := h.cooper(append([]string{"images"}, words(line)...)...)
		require.Equal(t, 1, r.code, line)
		require.Contains(t, r.stderr, says, line)
	}
}

func TestAPruneAsksAndRemovesWhatNobodyUses(t *testing.T) {
	h, ids := stocked(t)
	r := h.shell("echo n | cooper image prune; cooper image prune </dev/null")
	require.Equal(t, 2, strings.Count(r.stdout, "WARNING! This will remove all dangling images.\nAre you sure you want to continue? [y/N]"))
	require.Contains(t, h.ok("images", "-q"), ids["lost"])

	require.Equal(t, "Total reclaimed space: 0B", h.ok("image", "prune", "-f", "--filter", "label=nosuch"))
	require.Regexp(t, `(?s)Deleted Images:\ndeleted: sha256:`+ids["lost"]+`\w+\n\nTotal reclaimed space: 0B\n$`, h.shell("echo y | cooper image prune").stdout)
	require.NotContains(t, h.ok("images", "-q"), ids["lost"])

	out := h.ok("image", "prune", "-af")
	require.Contains(t, out, "untagged: app:1\n")
	require.Contains(t, out, "untagged: app:2\n")
	require.Regexp(t, `Total reclaimed space: 3\.\d+MB$`, out)
	require.Equal(t, ids["base"], h.ok("images", "-q"), "a container stands on it")
	h.ok("rm", "c")
	require.Contains(t, h.ok("image", "prune", "-a", "-f"), "untagged: base:latest")
}

func TestWhatTheDiskIsTakenByIsTold(t *testing.T) {
	h, ids := stocked(t)
	h.ok("run", "--name", "w", "--network", "none", "-v", "kept:/kept", "base", "sh", "-c", "head -c 500000 /dev/zero > /mine; ln /mine /twin; head -c 70000 /dev/zero > /kept/x")
	lines := strings.Split(h.ok("system", "df"), "\n")
	require.Equal(t, []string{"TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"}, words(lines[0]))
	require.Regexp(t, `^Images +4 +1 +5\.\d+MB +3\.\d+MB \(5\d%\)$`, lines[1])
	require.Regexp(t, `^Containers +2 +0 +500kB +500kB \(100%\)$`, lines[2])
	require.Regexp(t, `^Local Volumes +1 +1 +70kB +0B \(0%\)$`, lines[3])
	require.Regexp(t, `^Build Cache +0 +0 +0B +0B$`, lines[4])
	var row map[string]string
	require.NoError(t, json.Unmarshal([]byte(strings.Split(h.ok("system", "df", "--format", "json"), "\n")[0]), &row))
	require.Equal(t, "4", row["TotalCount"])

	out := h.ok("system", "df", "-v")
	require.Regexp(t, `(?m)^app +2 +`+ids["app:2"]+` +.* ago +5\.\d+MB +2\.\d+MB +3\.\d+MB +0$`, out)
	require.Regexp(t, `(?m)^base +latest +.*2\.\d+MB +2\.\d+MB +0B +2$`, out)
	require.Regexp(t, `(?m)^\w{12} +base +.* 1 +500kB .* w$`, out)
	require.Regexp(t, `(?m)^kept +1 +70kB$`, out)
	r := h.cooper("system", "df", "-v", "--format", "json")
	require.Equal(t, 125, r.code)
	h.ok("rm", "w", "c")
	h.ok("volume", "rm", "kept")
}

func TestAnImagesSizeIsWhatItUnpacksTo(t *testing.T) {
	h, _ := stocked(t)
	require.Regexp(t, `^5\.\d+MB$`, h.ok("images", "--format", "{{.Size}}", "app:2"), "the zeros are packed in the blob, and not here")
	require.Regexp(t, `^51\d{5}$`, h.ok("image", "inspect", "-f", "{{.Size}}", "app:2"))
	h.ok("save", "-o", h.root+".tar", "app:2")
	h.ok("rm", "c")
	h.ok("image", "prune", "-af")
	h.ok("load", "-i", h.root+".tar")
	require.Regexp(t, `^51\d{5}$`, h.ok("image", "inspect", "-f", "{{.Size}}", "app:2"))
}
