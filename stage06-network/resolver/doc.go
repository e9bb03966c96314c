// Package resolver answers the DNS queries of one container: it knows its
// neighbours by name, and asks other servers about everyone else.
//
// A container on a user network has this in /etc/resolv.conf:
//
//	nameserver 127.0.0.11
//	options ndots:0
//
// Nobody is there in the container. The sockets are, since a socket belongs to
// the network namespace that it was made in; the process that reads them stays
// outside, with the host's files and the host's way to the world:
//
//	container's network namespace │ supervisor, in the host's
//	                              │
//	127.0.0.11:53 ─dnat─▶ socket ─┼─▶ ours? ─▶ networks/NAME/names/web/ (names.go)
//	 (redirect.go)        (listen.go)   │
//	                              │     └────▶ the host's or the user's servers (forward.go)
//
// No name is cached, so none is ever stale: what stands in the directories of
// the networks is what is answered, and who joins or leaves is seen by the next
// query. An idle Resolver is two goroutines that wait in the kernel.
//
// See resolv.conf(5), network_namespaces(7), RFC 1035 (the message format), RFC
// 6891 (EDNS, the options), RFC 7766 (DNS over TCP) and RFC 5452 (how not to be
// lied to).
package resolver
