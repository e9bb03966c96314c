// Package network connects containers: stage 6.
//
// A new network namespace has a loopback link, and that one is down. From there
// this stage gets to a web server that the world can reach, with what the
// kernel has:
//
//   - a bridge, the switch that all containers are plugged into, and a veth
//     pair for each, the cable (bridge.go, veth.go; bridge(8), veth(4));
//   - an address that nobody else has, from a directory of symbolic links
//     (lease.go), in a subnet that is in nobody's way (subnet.go);
//   - rules for nftables, which lend the host's address to what goes out and
//     lead published ports in (table.go, publish.go; nft(8));
//   - a proxy for the clients that rules can't lead: those on localhost
//     (proxy.go);
//   - the files in which names are looked up (files.go, resolv.go; hosts(5),
//     resolv.conf(5)).
//
// Nothing shells out to ip, nft or iptables: links are made through rtnetlink(7)
// and rules through nf_tables' netlink protocol, by the same messages that
// those programs send.
//
// See also network_namespaces(7), and the chapter docs/06-network.md.
package network
