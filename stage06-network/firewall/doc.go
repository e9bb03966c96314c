// Package firewall lets our bridges' packets through the firewalls that others
// have set up on this host, and says which of them it can't or won't open.
//
// A packet on its way through the host passes the forward chain of every table
// there is. An accept ends that one chain only; a drop anywhere is final. So
// however well our own table is written, containers have no network where
// somebody else's chain ends in a drop:
//
//	Docker, ufw    iptables -P FORWARD DROP
//	RHEL of old    iptables -A FORWARD -j REJECT, at the end
//	firewalld      a reject at the end of its own table, for links in no zone
//	the host's admin    table inet filter { chain forward { … policy drop; } }
//
// The first three close what nobody has asked for, and their authors left a way
// to ask: two rules before the end, or a zone. Admit asks, Withdraw takes it
// back. The last is the admin's own word, written by hand: it stands, and
// Blockers tells what is to be added to it.
//
// Our rules stand where the chain would otherwise come to its end, not at its
// head: what the others' rules say about a packet, they say first. Only the
// silence after them is replaced. That holds for what Docker wants kept from
// its containers, and for `iptables -I FORWARD -d 192.0.2.0/24 -j DROP`.
//
// And it is safe to accept whatever is for our bridges, for our own table is
// asked as well, and drops what isn't published.
//
// See iptables(8), nft(8), firewalld.zones(5), and "Netfilter hooks" in the
// wiki of nftables.
package firewall
