package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// The crash sweep. Each command is killed with SIGKILL at its first rename, at
// its second, and so on until it comes through; then at each mkdir, unlink, …
// strace does the killing, in whichever process is at it: the command line, the
// shim, or the child on its way to becoming the command.
//
// Whatever is left then, the next commands must get along with it, and
// `rm -f` and `system cleanup` must be able to take it all away.
var crashes = []struct {
	name    string
	prepare [][]string
	command []string
}{
	{"create", nil, []string{"create", "--name", "c", "--network", "none", "base", "true"}},
	{"run", nil, []string{"run", "--name", "c", "--network", "none", "base", "true"}},
	{"run on the bridge, with a port and a volume", nil,
		[]string{"run", "--rm", "--name", "c", "-p", "127.0.0.1::80", "-v", "data:/d", "base", "true"}},
	{"start", [][]string{{"create", "--name", "c", "--network", "none", "base", "true"}}, []string{"start", "-a", "c"}},
	{"exec", [][]string{{"run", "-d", "--name", "c", "--network", "none", "base", "sleep", "1000"}}, []string{"exec", "c", "true"}},
	{"stop", [][]string{{"run", "-d", "--name", "c", "--network", "none", "base", "sleep", "1000"}}, []string{"stop", "-t", "0", "c"}},
	{"rm", [][]string{{"run", "--name", "c", "--network", "none", "base", "true"}}, []string{"rm", "c"}},
	{"commit", [][]string{{"run", "--name", "c", "--network", "none", "base", "touch", "/made"}}, []string{"commit", "c", "made"}},
	{"volume create", nil, []string{"volume", "create", "data"}},
	{"network create", nil, []string{"network", "create", "net"}},
	{"network rm", [][]string{{"network", "create", "net"}, {"run", "--rm", "--network", "net", "base", "true"}}, []string{"network", "rm", "net"}},
	{"run on a network", [][]string{{"network", "create", "net"}}, []string{"run", "--rm", "--name", "c", "--network", "net", "-p", "127.0.0.1::80", "base", "true"}},
	{"network connect", [][]string{{"network", "create", "net"}, {"run", "-d", "--name", "c", "base", "sleep", "1000"}}, []string{"network", "connect", "net", "c"}},
	{"network disconnect", [][]string{{"network", "create", "net"}, {"run", "-d", "--name", "c", "--network", "net", "base", "sleep", "1000"}},
		[]string{"network", "disconnect", "net", "c"}},
}

// fatal are the system calls at which a kill leaves something half done.
var fatal = []string{"mkdirat", "renameat", "unlinkat", "symlinkat", "fsync", "bind", "clone3", "execveat", "pivot_root", "sendmsg", "sendto"}

// sweepEnd is a bound that no command comes near.
const sweepEnd = 100

func TestAKillAtAnySystemCallLeavesNothingThatCannotBeHealed(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newHost(t)
	h.ok("run", "--rm", "base", "true") // makes what is made once, such as the subnet
	clean := h.lasting()
	for _, c := range crashes {
		t.Run(c.name, func(t *testing.T) {
			for _, call := range fatal {
				for n := 1; ; n++ {
					require.Less(t, n, sweepEnd)
					for _, line := range c.prepare {
						h.ok(line...)
					}
					killed := h.killedAt(call, n, c.command)
					h.recovers(t, fmt.Sprintf("%s killed at %s %d", c.name, call, n), clean)
					if !killed {
						break
					}
				}
			}
		})
	}
	h.ok("run", "--rm", "base", "true")
}

// The calls of which only the shim makes some, or only the child before it
// becomes the command: there it's they who are killed, while the command line
// waits for them.
var (
	fatalForTheShim  = []string{"setsid", "fchmod", "listen", "sendto", "setns", "waitid", "recvmsg"}
	fatalForTheChild = []string{"unshare", "sethostname", "move_mount", "mount_setattr", "mknodat", "umount2", "fchdir",
		"setgroups", "setresuid", "capset"}
)

// Of these a part is tried, another one each time; with COOPER_STRESS=full all.
// That a container never outlives its shim is TestTheContainerDiesWithItsShim:
// here strace comes back only when all processes have ended.
func TestAKillOfTheShimOrTheChildLeavesNothingThatCannotBeHealed(t *testing.T) {
	notrace.NeedTool(t, "strace")
	h := newHost(t)
	h.ok("run", "--rm", "base", "true")
	clean := h.lasting()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	for _, call := range slices.Concat(fatalForTheShim, fatalForTheChild) {
		t.Run(call, func(t *testing.T) {
			for n := 1; ; n += stride(dice) {
				require.Less(t, n, 10*sweepEnd)
				killed := h.killedAt(call, n, []string{"run", "--name", "c", "-v", "data:/d", "-p", "127.0.0.1::80", "base", "true"})
				h.recovers(t, fmt.Sprintf("run killed at %s %d", call, n), clean)
				if !killed {
					require.Greater(t, n, 1, "the call is made at all")
					break
				}
			}
		})
	}
}

func stride(dice *rand.Rand) int {
	if os.Getenv("COOPER_STRESS") == "full" {
		return 1
	}
	return 1 + dice.IntN(20)
}

// killedAt runs a command that is killed at its n-th system call of a kind, if
// it has as many; it reports whether.
func (h *host) killedAt(call string, n int, line []string) bool {
	log := filepath.Join(filepath.Dir(h.root), "strace")
	traced := exec.Command("strace", append([]string{"-f", "-qq", "-o", log, "-e", "trace=" + call,
		"-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n), h.program}, line...)...)
	traced.Env = h.env
	h.finish(traced)
	text, err := os.ReadFile(log)
	require.NoError(h.t, err)
	require.NoError(h.t, os.Remove(log))
	return strings.Contains(string(text), "killed by SIGKILL")
}

// recovers proves that the engine gets along with what a kill has left, and
// takes everything away.
func (h *host) recovers(t *testing.T, after string, clean []string) {
	t.Helper()
	r := h.cooper("ps", "-a")
	require.Zero(t, r.code, "%s: ps: %s", after, r.stderr)
	r = h.cooper("rm", "-f", "c")
	require.Zero(t, r.code, "%s: rm -f: %s", after, r.stderr)
	h.cooper("rmi", "made")          // there may be none
	h.cooper("volume", "rm", "data") // the same
	h.cooper("network", "rm", "net") // the same
	r = h.cooper("system", "cleanup")
	require.Zero(t, r.code, "%s: system cleanup: %s", after, r.stderr)
	require.Equal(t, clean, h.lasting(), after)
}

// lasting are the files of the engine that matter: "last" in the lease
// directory is a hint where to look for a free address, and can be missing.
func (h *host) lasting() []string {
	return slices.DeleteFunc(h.state(), func(file string) bool { return filepath.Base(file) == "last" })
}
