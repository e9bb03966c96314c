package trace

import (
	"strings"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// adviseDrop says whose rule that is, and what lets the packet pass.
func (x *experiment) adviseDrop(s *side, name chainName, hop Hop) {
	bridge := "BRIDGE"
	if x.cable.bridge != nil {
		bridge = x.cable.bridge.Attrs().Name
	}
	if strings.Contains(hop.Rule, "reject") {
		x.advise("the rule tells the sender: %s", x.told())
	}
	iptables := map[nftables.TableFamily]string{nftables.TableFamilyIPv4: "iptables", nftables.TableFamilyIPv6: "ip6tables"}[name.family]
	has := func(chain string) bool { return s.tap.rules.chains[chainName{name.family, name.table, chain}] != nil }
	switch {
	case s.where == inContainer:
		x.advise("the rule is in the container's own network: `nsenter --net=%s nft -a list table %s %s` shows it", x.probe.NetNS, families[name.family], name.table)
	case strings.HasPrefix(name.table, "cooper") && strings.Contains(hop.Rule, "@internal"):
		x.advise("the rule is the engine's own: the network is internal, and nothing goes into it or out of it")
	case strings.HasPrefix(name.table, "cooper"):
		x.advise("the rule is the engine's own: networks are kept apart, and what isn't published isn't reached from outside")
	case name.table == "firewalld":
		x.advise("firewalld: firewall-cmd --zone=trusted --add-interface=%s", bridge)
	case name.family == nftables.TableFamilyBridge || hop.What != hooks[forward]:
		x.advise("`nft -a list chain %s` shows the rules", name)
	case iptables != "" && has("DOCKER-USER"):
		x.advise("Docker sets the policy of FORWARD to drop, for all links but its own: %[1]s -I DOCKER-USER -i %[2]s -j ACCEPT; %[1]s -I DOCKER-USER -o %[2]s -j ACCEPT", iptables, bridge)
	case iptables != "" && has("ufw-user-forward"):
		x.advise("ufw: ufw route allow in on %[1]s; ufw route allow out on %[1]s", bridge)
	case iptables != "" && name.table == "filter":
		x.advise("%[1]s -I FORWARD -i %[2]s -j ACCEPT; %[1]s -I FORWARD -o %[2]s -j ACCEPT", iptables, bridge)
	default:
		x.advise(`nft insert rule %[1]s iifname "%[2]s" accept; nft insert rule %[1]s oifname "%[2]s" accept`, name, bridge)
	}
}

// adviseMTU warns of a link on the way that takes smaller packets than the
// container sends, and announces to take (tcp(7), MSS). This packet was small;
// a large one is dropped before the narrow link, with an ICMP error for its
// sender, and many a firewall drops that too.
func (x *experiment) adviseMTU() {
	last := x.of(onHost).out.last()
	if last == nil || last.hook != postrouting || last.oif == 0 || x.of(onHost).out.switched() {
		return
	}
	out, err := x.host.route(last.packet.destination.Addr(), &netlink.RouteGetOptions{OifIndex: last.oif, Mark: last.mark})
	if err != nil || out.mtu >= x.route.mtu {
		return
	}
	x.advise("if short messages pass and long ones hang: %s sends packets of %d bytes, and %s of the host takes %d; make the network with -o com.docker.network.driver.mtu=%[4]d",
		x.route.link.Attrs().Name, x.route.mtu, out.link.Attrs().Name, out.mtu)
}

// told is what a rule that rejects lets the sender know.
func (x *experiment) told() string {
	switch x.outcome.errno {
	case 0:
		return "the port is closed, or the like"
	case unix.ECONNREFUSED:
		return "connection refused, as if nothing listened there"
	}
	return x.outcome.errno.Error()
}

func (x *experiment) adviseLegacy(rule legacyRule) {
	bridge := "BRIDGE"
	if x.cable.bridge != nil {
		bridge = x.cable.bridge.Attrs().Name
	}
	x.advise("%[1]s-legacy -I %[2]s -i %[3]s -j ACCEPT; %[1]s-legacy -I %[2]s -o %[3]s -j ACCEPT", rule.program, rule.chain, bridge)
}
