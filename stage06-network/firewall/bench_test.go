package firewall

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkAdmit is what each start of a container pays, where all is well:
// with no firewall, and with Docker's that has published 1,000 ports.
func BenchmarkAdmit(b *testing.B) {
	for _, iptables := range []string{"", "iptables-nft", "iptables-legacy"} {
		b.Run("beside "+iptables, func(b *testing.B) {
			newHost(b)
			if iptables != "" {
				dockersRules(b, iptables)
			}
			require.NoError(b, Admit(ourLinks))
			for b.Loop() {
				if err := Admit(ourLinks); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func dockersRules(b *testing.B, iptables string) {
	rules := []string{
		"*filter", ":FORWARD DROP", ":DOCKER -", ":DOCKER-USER -", ":DOCKER-ISOLATION-STAGE-1 -", ":DOCKER-ISOLATION-STAGE-2 -",
		"-A FORWARD -j DOCKER-USER", "-A FORWARD -j DOCKER-ISOLATION-STAGE-1",
		"-A DOCKER-USER -j RETURN",
	}
	for _, bridge := range []string{"docker0", "br-0", "br-1", "br-2"} {
		rules = append(rules,
			"-A FORWARD -o "+bridge+" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
			"-A FORWARD -o "+bridge+" -j DOCKER", "-A FORWARD -i "+bridge+" ! -o "+bridge+" -j ACCEPT",
			"-A DOCKER-ISOLATION-STAGE-1 -i "+bridge+" ! -o "+bridge+" -j DOCKER-ISOLATION-STAGE-2",
			"-A DOCKER-ISOLATION-STAGE-2 -o "+bridge+" -j DROP")
	}
	for port := range 1000 {
		rules = append(rules, "-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport "+strconv.Itoa(port+1)+" -j ACCEPT")
	}
	file := b.TempDir() + "/rules"
	require.NoError(b, os.WriteFile(file, []byte(strings.Join(append(rules, "COMMIT\n"), "\n")), 0o600))
	run(b, iptables+"-restore "+file)
}
