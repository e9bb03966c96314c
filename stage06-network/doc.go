// Package network connects containers: stage 6.
//
// A new network namespace has a loopback link, and that one is down. From there
// this stage gets to a web server that the world can reach and a database that
// only the web server can, with what the kernel has:
//
//   - networks, each a directory that says what it is and who is on it
//     (definition.go, networks.go, record.go), in a subnet that is in nobody's
//     way (subnet.go), with an address for each container that nobody else has
//     (lease.go);
//   - a bridge for each, the switch that its containers are plugged into, and a
//     veth pair for each container, the cable (bridge.go, veth.go; bridge(8),
//     veth(4)), or a link on the host's own wire (macvlan.go), and of several
//     networks the one that leads out (wayout.go);
//   - rules for nftables, which keep the networks apart, lend the host's address
//     to what goes out and lead published ports in (table.go, rules.go,
//     publish.go; nft(8)), and on the bridge the ones that stop forged packets
//     (guard.go);
//   - a proxy for the clients that rules can't lead: those on localhost
//     (proxy.go);
//   - the files in which names are looked up (files.go, resolv.go; hosts(5),
//     resolv.conf(5)), and who answers for the neighbours' names (names.go,
//     package resolver);
//   - for a user without root, a program that carries the packets (usermode.go;
//     pasta(1), slirp4netns(1)).
//
// Package firewall sees to the other firewalls of the host, and package trace
// tells where a packet goes.
//
// Nothing shells out to ip, nft or iptables: links are made through rtnetlink(7)
// and rules through nf_tables' netlink protocol, by the same messages that
// those programs send.
//
// See also network_namespaces(7), and the chapter docs/06-network.md.
package network
