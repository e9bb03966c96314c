package network

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage05-images/flock"
)

// Docker and ufw set this policy. Each iptables has a packet filter of its own.
func TestContainersHaveTheirNetworkWhereOthersDropWhatTheyDontKnow(t *testing.T) {
	for _, iptables := range []string{"iptables-nft", "iptables-legacy"} {
		t.Run(iptables, func(t *testing.T) {
			w := newWorld(t)
			if _, err := exec.LookPath(iptables); err != nil {
				t.Skip("for a machine that has " + iptables)
			}
			saved := func() string { return counters.ReplaceAllString(run(t, iptables+"-save"), "") }
			run(t, iptables, "-P", "FORWARD", "DROP")
			run(t, iptables, "-A", "FORWARD", "-d", "203.0.113.0/24", "-j", "ACCEPT")
			t.Cleanup(func() {
				run(t, iptables, "-P", "FORWARD", "ACCEPT")
				run(t, iptables, "-F", "FORWARD")
				if iptables == "iptables-nft" {
					nft(t, "delete table ip filter")
				}
			})
			before := saved()
			t.Run("while containers run", func(t *testing.T) {
				w.network(t, Definition{Name: "back"})
				web, other := w.start(t, w.on(t, []string{"back"}, "8080:80")), w.start(t, w.bridged(t))
				answer(t, web.place, 80)
				answer(t, w.outside, 7)
				for _, c := range []*container{web, other} {
					got, err := call(c.place, TCP, outsideIP+":7")
					require.NoError(t, err)
					require.Equal(t, "hello from "+hostIP, got)
				}
				got, err := call(w.outside, TCP, hostIP+":8080")
				require.NoError(t, err)
				require.Equal(t, "hello from "+outsideIP, got)
				_, err = call(other.place, TCP, web.ip()+":80")
				require.Error(t, err, "S49: our own table still has the last word")
			})
			require.Equal(t, before, saved(), "theirs is as it was")
		})
	}
}

// The last bridge goes, and before its opening is closed there is another one.
// Meanwhile an iptables of the host has the lock.
func TestANetworkThatComesWhileTheLastOneGoesStaysAdmitted(t *testing.T) {
	w := newWorld(t)
	if _, err := exec.LookPath("iptables-nft"); err != nil {
		t.Skip("for a machine that has iptables-nft")
	}
	run(t, "iptables-nft", "-P", "FORWARD", "DROP")
	t.Cleanup(func() { nft(t, "delete table ip filter") })
	before := counters.ReplaceAllString(run(t, "iptables-nft-save"), "")
	w.network(t, Definition{Name: "one"})
	w.network(t, Definition{Name: "two"})
	answer(t, w.outside, 7)
	t.Run("while a container runs", func(t *testing.T) {
		first := Connect(w.on(t, []string{"one"}), &namespaces.Process{Pid: newPlace(t).pid})
		require.NoError(t, namespaces.Take(first, nil))
		lock, err := os.Create("/run/xtables.lock")
		require.NoError(t, err)
		defer lock.Close()
		require.NoError(t, flock.Lock(lock))
		gone := make(chan error)
		go func() { gone <- namespaces.Undo(first) }()
		info, err := lock.Stat()
		require.NoError(t, err)
		waiter := regexp.MustCompile(fmt.Sprintf(`-> FLOCK .*:%d `, info.Sys().(*syscall.Stat_t).Ino)) // see proc_locks(5)
		require.Eventually(t, func() bool {
			locks, err := os.ReadFile("/proc/locks")
			return err == nil && waiter.Match(locks)
		}, 10*time.Second, time.Millisecond)

		second := w.start(t, w.on(t, []string{"two"}))
		require.NoError(t, lock.Close())
		require.NoError(t, <-gone)
		got, err := call(second.place, TCP, outsideIP+":7")
		require.NoError(t, err)
		require.Equal(t, "hello from "+hostIP, got)
	})
	require.Equal(t, before, counters.ReplaceAllString(run(t, "iptables-nft-save"), ""))
}

// counters, dates and versions are what iptables-save prints beside the rules.
var counters = regexp.MustCompile(`(?m)\[\d+:\d+\]|^#.*\n`)

func run(t *testing.T, program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	require.NoError(t, err, "%s %v", program, args)
	return string(out)
}
