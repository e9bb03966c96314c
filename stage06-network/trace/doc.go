// Package trace shows where a container's packet goes, hop by hop, and which
// rule or missing route ends its way.
//
// nftables can tell what it does: a packet whose nftrace bit is set is reported
// at every rule that matches it, with the verdict (nft(8), "MONITOR" and "meta
// nftrace"). So a trace is an experiment with one packet that nobody else
// sends:
//
//		container                         host
//		output ─ postrouting ══ cable ══ prerouting ┬ forward ─ postrouting ══ out
//		                                            └ input
//
//	  - the name is looked up as the container would (name.go, servers.go, dns.go);
//	  - a socket is bound in the container's network namespace, so that the
//	    packet's addresses and ports are known before it exists (call.go);
//	  - a table of ours sets the bit on packets of just that connection. It has
//	    a chain at the first and at the last place of each hook. Between the two
//	    a packet is in the hands of others: if it reached the first and not the
//	    last, it was lost there, even to those that nftables doesn't see, such as
//	    iptables-legacy (tap.go);
//	  - the packet is sent, and what the kernel reports is read until an answer
//	    comes, a rule drops it, or the time is up (listen.go, event.go);
//	  - the reports become hops (path.go, hops.go), rules become text again
//	    (text*.go), routes and neighbours are asked for (route.go, routing.go), and
//	    the whole comes to one sentence (conclude.go, loss.go) and advice (advice.go).
//
// The table belongs to the socket that made it, and goes with it: after kill -9
// there is nothing to clean up.
package trace
