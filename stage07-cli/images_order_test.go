package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// What a power cut leaves is decided by the order in which things reach the
// disk: the bytes before the names that say "whole", these before the index
// that counts on them. One syncfs(2) does for all files of the image.
func TestAnImagesNamesReachTheDiskAfterItsBytes(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newImageHost(t)
	h.ok("rmi", "base")
	calls := h.traced(t, "pull", "-q", h.registry+"/base")

	contentNamed := regexp.MustCompile(`^renameat2?\(.*/images/(blobs/sha256|layers)/[0-9a-f]{64}"`)
	synced := indexOf(t, calls, `^syncfs\(\d+<.*/images>`)
	first, last := slices.IndexFunc(calls, contentNamed.MatchString), -1
	for i, call := range calls {
		if contentNamed.MatchString(call) {
			last = i
		}
	}
	require.Less(t, synced, first, "no name before the bytes")
	blobs, layers := indexOf(t, calls, `^fsync\(\d+<.*/images/blobs/sha256>`), indexOf(t, calls, `^fsync\(\d+<.*/images/layers>`)
	require.Less(t, last, min(blobs, layers), "the names themselves")
	index := indexOf(t, calls, `^fsync\(\d+<.*/images/index.json.new>`)
	require.Less(t, max(blobs, layers), index)
	renamed := indexOf(t, calls, `^renameat2?\(.*/images/index.json"`)
	require.Less(t, index, renamed)
	require.Less(t, renamed, indexOf(t, calls, `^fsync\(\d+<.*/images>`))

	flushes := slices.DeleteFunc(calls, func(call string) bool { return !strings.Contains(call, "sync") })
	require.Len(t, flushes, 5, "however many files there are")
}

// traced returns the system calls of a command that write names and flush.
func (h *host) traced(t *testing.T, line ...string) []string {
	t.Helper()
	log := filepath.Join(filepath.Dir(h.root), "strace")
	traced := exec.Command("strace", append([]string{"-f", "-qq", "-y", "-z", "-o", log, "-e", "signal=none",
		"-e", "trace=rename,renameat,renameat2,fsync,fdatasync,syncfs,sync", h.program}, line...)...)
	traced.Env = h.env
	r := h.finish(traced)
	require.Zero(t, r.code, r.stderr)
	text, err := os.ReadFile(log)
	require.NoError(t, err)
	var calls []string
	for call := range strings.Lines(string(text)) {
		_, call, _ = strings.Cut(strings.TrimSpace(call), " ") // after the pid
		calls = append(calls, strings.TrimSpace(call))
	}
	return calls
}

// indexOf finds the one call that matches.
func indexOf(t *testing.T, calls []string, pattern string) int {
	t.Helper()
	found := regexp.MustCompile(pattern)
	i := slices.IndexFunc(calls, found.MatchString)
	require.GreaterOrEqual(t, i, 0, "%s in\n%s", pattern, strings.Join(calls, "\n"))
	return i
}
