package resolver

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"cooper/stage01-namespaces/notrace"
)

// How long one client waits that asks one query after the other: for a
// neighbour's name, and for one that another server answers.
func BenchmarkQuery(b *testing.B) {
	notrace.Check(b)
	shop := newNetwork(b, "shop")
	shop.join(b, webID, "web", "10.118.0.7")
	c := newContainer(b)
	host := newUpstream(b, "127.0.0.53:53", says("192.0.2.1")).Server
	var own Server
	c.do(func() { own = newUpstream(b, "127.0.0.1:5353", says("192.0.2.2")).Server })
	own.Inside = true
	for _, test := range []struct {
		name, asked string
		server      Server
	}{
		{"neighbour", "web.", host},
		{"the host's server", "example.org.", host},
		{"the container's server", "example.org.", own},
	} {
		b.Run(test.name, func(b *testing.B) {
			c.serve(b, Config{Networks: on(shop), Upstream: []Server{test.server}})
			conn := c.dial(b, "udp", "127.0.0.11:53")
			query := queryFor(test.asked, dnsmessage.TypeA)
			for b.Loop() {
				require.Len(b, unpacked(b, exchange(b, conn, query)).Answers, 1)
			}
		})
	}
}
