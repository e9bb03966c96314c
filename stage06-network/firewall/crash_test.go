package firewall

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const asLoop = "COOPER_TEST_ADMIT_LOOP"

// loop admits and withdraws until it is killed.
func loop() {
	fmt.Println("begun")
	for {
		if err := Admit(ourLinks); err != nil {
			panic(err)
		}
		if err := Withdraw(ourLinks); err != nil {
			panic(err)
		}
	}
}

func TestAKillLeavesAllOrNothing(t *testing.T) {
	for _, iptables := range programs {
		t.Run(iptables.name, func(t *testing.T) {
			newHost(t, iptables.name)
			foreign(t, iptables.name)
			before := save(t, iptables.name)
			require.NoError(t, Admit(ourLinks))
			with := save(t, iptables.name)
			for range 40 {
				c := exec.Command("/proc/self/exe")
				c.Env = append(os.Environ(), asLoop+"=1")
				begun, err := c.StdoutPipe()
				require.NoError(t, err)
				require.NoError(t, c.Start())
				_, err = begun.Read(make([]byte, 6))
				require.NoError(t, err)
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond) // the kill is to come at any time
				require.NoError(t, c.Process.Kill())
				require.EqualError(t, c.Wait(), "signal: killed")
				require.Contains(t, []string{before, with}, save(t, iptables.name))
			}
			require.NoError(t, Withdraw(ourLinks))
			require.Equal(t, before, save(t, iptables.name))
		})
	}
}

func TestSeveralAtOnceAddTheRulesOnce(t *testing.T) {
	for _, iptables := range programs {
		t.Run(iptables.name, func(t *testing.T) {
			newHost(t, iptables.name)
			foreign(t, iptables.name)
			before := save(t, iptables.name)
			for range 20 {
				atOnce(t, 8, Admit)
				for _, rule := range openings {
					require.Equal(t, 1, strings.Count(save(t, iptables.name), rule))
				}
				atOnce(t, 8, Withdraw)
				require.Equal(t, before, save(t, iptables.name))
			}
		})
	}
}

// atOnce calls do from several threads in the test's namespace, which wait for
// one another to be there.
func atOnce(t *testing.T, n int, do func(string) error) {
	here := namespaceOf(t)
	errs := make(chan error, n)
	var there, all sync.WaitGroup
	there.Add(n)
	for range n {
		all.Go(func() {
			errs <- here.do(func() error {
				there.Done()
				there.Wait()
				return do(ourLinks)
			})
		})
	}
	all.Wait()
	for range n {
		require.NoError(t, <-errs)
	}
}

// foreign gives FORWARD rules of every kind that there is: our own go among
// them and out again.
func foreign(t testing.TB, iptables string) {
	for _, arguments := range []string{
		"-N OTHERS", "-N LAST",
		"-A OTHERS -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
		"-A OTHERS -p tcp -m multiport --dports 80,443 -m comment --comment web -j RETURN",
		"-A OTHERS -m limit --limit 5/min -j LOG --log-prefix others",
		"-A LAST -o other0 -g OTHERS",
		"-A LAST -p udp -m udp --dport 53",
		"-A INPUT -j OTHERS", "-A OUTPUT -j LAST",
		"-A FORWARD -j OTHERS",
		"-A FORWARD -i other0 -m string --algo bm --string nobody -j REJECT",
		"-A FORWARD -i cooper+ -p tcp -m comment --comment cooper -j ACCEPT", // somebody's, not ours
		"-A FORWARD -j LAST",
		"-A FORWARD ! -i other+ -p tcp",
		"-A FORWARD -m limit --limit 1/sec -j LOG",
		"-P FORWARD DROP",
	} {
		run(t, iptables+" "+arguments)
	}
}
