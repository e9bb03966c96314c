package cli

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"
	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

// The commands that change the image store, each killed at the system calls
// that do it. Afterwards the store must be readable, the same command must come
// through, the image must run, and all of it must be removable.
var imageCrashes = []struct {
	name    string
	prepare [][]string // upon a store that has base:latest, and only that
	command []string
}{
	{"pull", [][]string{{"rmi", "base"}}, []string{"pull", "-q", "REGISTRY/base"}},
	{"push", [][]string{{"tag", "base", "REGISTRY/other"}}, []string{"push", "-q", "REGISTRY/other"}},
	{"tag", nil, []string{"tag", "base", "another"}},
	{"rmi", [][]string{{"run", "--name", "c", "--network", "none", "base", "touch", "/x"}, {"commit", "c", "made"}, {"rm", "c"}},
		[]string{"rmi", "made"}},
	{"prune", [][]string{{"run", "--name", "c", "--network", "none", "base", "touch", "/x"}, {"commit", "c"}, {"rm", "c"}},
		[]string{"image", "prune", "-f"}},
	{"commit", [][]string{{"run", "--name", "c", "--network", "none", "base", "touch", "/x"}}, []string{"commit", "c", "made"}},
	{"save", nil, []string{"save", "-o", "DIR/saved.tar", "base"}},
	{"load", [][]string{{"save", "-o", "DIR/saved.tar", "base"}, {"rmi", "-f", "base"}}, []string{"load", "-q", "-i", "DIR/saved.tar"}},
}

// Calls that change the store, and calls in between.
var fatalForImages = []string{"mkdirat", "renameat", "renameat2", "unlinkat", "linkat", "symlinkat", "fchownat", "pwrite64", "write",
	"ftruncate", "utimensat", "flock", "fsync", "syncfs", "connect"}

func TestAKillInTheMiddleOfImagesLeavesAStoreThatWorks(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newImageHost(t)
	dice := newDice(t)
	for _, c := range imageCrashes {
		t.Run(c.name, func(t *testing.T) {
			for _, call := range fatalForImages {
				for n := 1; ; n += h.imageStride(dice, n) {
					h.prepare(c.prepare)
					killed := h.killedAt(call, n, h.line(c.command))
					h.storeRecovers(t, fmt.Sprintf("%s killed at %s %d", c.name, call, n), c.command)
					if !killed {
						break
					}
				}
			}
		})
	}
}

// A disk that fails when it is written to must be told of, every time: whoever
// goes on after a failed fsync(2) gives a name to what may never be read again.
func TestAnErrorOfTheDiskIsToldAndLeavesAStoreThatWorks(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newImageHost(t)
	dice := newDice(t)
	for _, c := range imageCrashes {
		t.Run(c.name, func(t *testing.T) {
			for _, call := range []string{"fsync", "syncfs", "renameat", "renameat2", "pwrite64"} {
				for n := 1; ; n += h.imageStride(dice, n) {
					h.prepare(c.prepare)
					code, struck := h.failingAt(call, n, h.line(c.command))
					after := fmt.Sprintf("%s with an error of %s %d", c.name, call, n)
					require.Equal(t, struck, code != 0, after)
					h.storeRecovers(t, after, c.command)
					if !struck {
						break
					}
				}
			}
		})
	}
}

// imageHost has a registry that holds base:latest too.
type imageHost struct {
	*host
	registry string
	pristine []string // the store's files with base:latest in it, and nothing else
}

func newImageHost(t *testing.T) *imageHost {
	h := &imageHost{host: newHost(t), registry: registrytest.Start(t)}
	h.ok("tag", "base", h.registry+"/base")
	h.ok("push", "-q", h.registry+"/base")
	h.ok("rmi", h.registry+"/base")
	h.pristine = h.store(t)
	return h
}

func (h *imageHost) line(words []string) []string {
	fill := strings.NewReplacer("REGISTRY", h.registry, "DIR", filepath.Dir(h.root))
	var line []string
	for _, word := range words {
		line = append(line, fill.Replace(word))
	}
	return line
}

func (h *imageHost) prepare(lines [][]string) {
	for _, line := range lines {
		h.ok(h.line(line)...)
	}
}

// imageStride tries the first calls of a kind one by one, and of the many that
// unpack a layer a few, others each time.
func (h *imageHost) imageStride(dice *rand.Rand, n int) int {
	if n < 3 || os.Getenv("COOPER_STRESS") == "full" {
		return 1
	}
	return n + dice.IntN(3*n)
}

func newDice(t *testing.T) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// storeRecovers proves that the store is in order after a command that was cut
// off, and brings it back to base:latest.
func (h *imageHost) storeRecovers(t *testing.T, after string, command []string) {
	t.Helper()
	h.t = t
	h.ok("images", "-a")
	for _, line := range strings.Fields(h.ok("images", "-q", "--no-trunc")) {
		h.ok("image", "inspect", line) // what is listed is whole
	}
	if command[0] != "rmi" || h.cooper("image", "inspect", "made").code == 0 {
		h.ok(h.line(command)...)
	}
	if command[0] == "pull" {
		h.ok("tag", h.registry+"/base", "base")
	}
	h.cooper("rm", "-f", "c") // there may be none
	for _, name := range []string{"another", "made", h.registry + "/base", h.registry + "/other"} {
		h.cooper("rmi", name) // the same
	}
	h.ok("image", "prune", "-f")
	h.ok("system", "cleanup")
	require.Equal(t, "still here", h.ok("run", "--rm", "--network", "none", "base", "echo", "still here"), after)
	require.Equal(t, h.pristine, h.store(t), after)
	_ = os.Remove(filepath.Join(filepath.Dir(h.root), "saved.tar"))
	left, err := filepath.Glob(filepath.Join(filepath.Dir(h.root), "*saved*"))
	require.NoError(t, err)
	require.Empty(t, left, after)
}

// store lists the image store's files down to the layers, without what is in
// them; the spare doesn't count.
func (h *imageHost) store(t *testing.T) (files []string) {
	t.Helper()
	root := filepath.Join(h.root, "images")
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if filepath.Base(path) != "spare" {
			files = append(files, strings.TrimPrefix(path, root))
		}
		if err == nil && entry.IsDir() && filepath.Base(filepath.Dir(path)) == "layers" {
			return fs.SkipDir
		}
		return err
	}))
	return files
}

// failingAt runs a command whose n-th system call of a kind fails with EIO, if
// it has as many; it reports whether, and the exit code.
func (h *host) failingAt(call string, n int, line []string) (code int, struck bool) {
	log := filepath.Join(filepath.Dir(h.root), "strace")
	traced := exec.Command("strace", append([]string{"-f", "-qq", "-o", log, "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:error=EIO:when=%d", call, n), h.program}, line...)...)
	traced.Env = h.env
	r := h.finish(traced)
	text, err := os.ReadFile(log)
	require.NoError(h.t, err)
	require.NoError(h.t, os.Remove(log))
	return r.code, strings.Contains(string(text), "(INJECTED)")
}
