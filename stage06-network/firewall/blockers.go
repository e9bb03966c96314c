package firewall

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// A Finding is something on this host that keeps containers' packets away.
type Finding struct {
	What   string // what was seen
	Advice string // what to do about it
}

// Blockers names what keeps our bridges' packets away, or would once there are
// bridges; which are ours is told as to Admit. It changes nothing.
//
// What Admit opens isn't among them, as long as it is open or there is no
// bridge yet. Neither is the host's input chain: containers need nothing of the
// host itself, unless somebody runs a service there for them.
//
// It judges chains by what becomes of a packet that no rule is about. A rule
// that drops some packets is somebody's intention, and may well be about
// containers; `nft monitor trace` shows what becomes of one packet.
func Blockers(links string) ([]Finding, error) {
	n, err := openNftables()
	if err != nil {
		return nil, err
	}
	defer n.Close()
	p := pattern(links)
	bridges, err := p.links()
	if err != nil {
		return nil, err
	}
	var findings []Finding
	add := func(some []Finding, err error) error {
		findings = append(findings, some...)
		return err
	}
	err = errors.Join(
		add(notForwarding(bridges)),
		add(n.closedTables(p)),
		add(strictReversePath()))
	if len(bridges) > 0 { // then what Admit opens is open, or somebody has closed it again
		err = errors.Join(err, add(n.closedIptables(p)), add(n.closedFirewalld(p)))
	}
	return findings, err
}

// closedTables names the chains of others' tables that drop what no rule is
// about, and have no rule about our bridges. Those of iptables and firewalld
// are left out here: there is a way to open them.
func (n nftables) closedTables(p pattern) (findings []Finding, err error) {
	chains, err := n.chains()
	if err != nil {
		return nil, err
	}
	for _, base := range chains {
		if base.hook != unix.NF_INET_FORWARD || base.isIptables() || base.table == "firewalld" || strings.HasPrefix(base.table, p.name()) {
			continue
		}
		finding, err := n.closedChain(base, p)
		if err != nil {
			return nil, err
		}
		if finding != nil {
			findings = append(findings, *finding)
		}
	}
	return findings, nil
}

func (c baseChain) isIptables() bool {
	return slices.Contains(bothFamilies, c.family) && c.table == filterTable && c.name == forwardChain
}

// nftFamilies are the families as nft(8) names them, of those with a forward
// hook for what we send.
var nftFamilies = map[byte]string{
	unix.NFPROTO_IPV4: "ip", unix.NFPROTO_IPV6: "ip6", unix.NFPROTO_INET: "inet", unix.NFPROTO_BRIDGE: "bridge",
}

func (n nftables) closedChain(base baseChain, p pattern) (*Finding, error) {
	family := nftFamilies[base.family]
	c, _, err := n.read(base)
	if err != nil || family == "" {
		return nil, err
	}
	end, closed, err := c.end()
	if err != nil || !closed || about(c.rules[:end], p) {
		return nil, err
	}
	chain := fmt.Sprintf("%s %s %s", family, base.table, base.name)
	how, where := "by its policy", "add rule "+chain
	if end < len(c.rules) {
		how, where = "at its end", fmt.Sprintf("insert rule %s position %d", chain, c.rules[end].place)
	}
	return &Finding{
		What: fmt.Sprintf("the nftables chain %s drops %s whatever it has no rule for, and has none for containers", chain, how),
		Advice: fmt.Sprintf(`run: nft '%s iifname "%s" accept; %[1]s oifname "%[2]s" accept'; and write the two rules to the file that the table is loaded from, such as /etc/nftables.conf`,
			where, p.nft()),
	}, nil
}

// about tells whether some of the rules accept packets from our bridges, and
// some those to them.
func about(rules []rule, p pattern) bool {
	accepts := func(link func(rule) string) bool {
		return slices.ContainsFunc(rules, func(r rule) bool {
			return (r.act == accepts || r.act == jumps) && strings.HasPrefix(link(r), p.name())
		})
	}
	return accepts(func(r rule) string { return r.in }) && accepts(func(r rule) string { return r.out })
}

// closedIptables names the FORWARD chains that drop, where our rules are gone.
func (n nftables) closedIptables(p pattern) (findings []Finding, err error) {
	bridged, err := bridgedPacketsToo()
	if err != nil {
		return nil, err
	}
	look := func(program string) plan {
		return func(c chain) (change, error) {
			what, err := c.admit(p)
			if err != nil || what.empty() {
				return change{}, err
			}
			finding := Finding{
				What:   program + "'s chain FORWARD drops what it has no rule for, and the rules for containers are missing",
				Advice: "start a container on a network, which sets them again",
			}
			if bridged {
				finding.What += "; that is also for packets between containers of one network, as the sysctl net.bridge.bridge-nf-call-iptables is 1"
			}
			findings = append(findings, finding)
			return change{}, nil
		}
	}
	for i, program := range []string{"iptables", "ip6tables"} {
		err = errors.Join(err, n.changeIptables(bothFamilies[i], p, look(program)),
			bothLegacy[i].change(p, look(program+"-legacy")))
	}
	return findings, err
}

// closedFirewalld tells where firewalld has our bridges, if that isn't in zone
// trusted.
func (n nftables) closedFirewalld(p pattern) ([]Finding, error) {
	zone, installed, err := n.zoneOf(p)
	switch {
	case err != nil || !installed || zone == trustedZone:
		return nil, err
	case zone == "":
		return []Finding{{
			What:   "firewalld rejects what comes from containers: their bridges are in none of its zones any more",
			Advice: "start a container on a network, which puts them into zone " + trustedZone + ", or for good: firewall-cmd --permanent --zone=" + trustedZone + " --add-interface=" + string(p) + " && firewall-cmd --reload",
		}}, nil
	}
	return []Finding{{
		What:   "firewalld has the containers' bridges in zone " + zone + ", which may reject what they send",
		Advice: "if that isn't meant: firewall-cmd --zone=" + trustedZone + " --change-interface=" + string(p),
	}}, nil
}

// bridgedPacketsToo tells whether packets between two ports of one bridge pass
// iptables as well.
func bridgedPacketsToo() (bool, error) {
	value, err := readSysctl("bridge/bridge-nf-call-iptables")
	return value == "1", err
}

// readSysctl reads one of the parameters below /proc/sys/net; "" where the
// kernel has no such thing.
func readSysctl(name string) (string, error) {
	text, err := os.ReadFile("/proc/sys/net/" + name)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read sysctl: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
