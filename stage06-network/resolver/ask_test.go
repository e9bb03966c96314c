package resolver

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"cooper/stage01-namespaces/notrace"
)

// RFC 5452: what isn't the answer is passed over, and the answer still awaited.
func TestALieIsPassedOver(t *testing.T) {
	notrace.Check(t)
	truth := says("192.0.2.1")
	for name, lie := range map[string]func(*dnsmessage.Message){
		"another ID":       func(m *dnsmessage.Message) { m.ID++ },
		"another name":     func(m *dnsmessage.Message) { m.Questions[0].Name = dnsmessage.MustNewName("example.com.") },
		"another type":     func(m *dnsmessage.Message) { m.Questions[0].Type = dnsmessage.TypeAAAA },
		"another class":    func(m *dnsmessage.Message) { m.Questions[0].Class = dnsmessage.ClassCHAOS },
		"no question":      func(m *dnsmessage.Message) { m.Questions = nil },
		"two questions":    func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) },
		"the query itself": func(m *dnsmessage.Message) { m.Response = false },
		"nothing":          nil,
	} {
		t.Run(name, func(t *testing.T) {
			server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 53), Port: 53})
			require.NoError(t, err)
			defer server.Close()
			go func() {
				buffer := make([]byte, 512)
				n, client, err := server.ReadFromUDPAddrPort(buffer)
				var query dnsmessage.Message
				if err != nil || query.Unpack(buffer[:n]) != nil {
					return
				}
				var bad []byte
				if lie != nil {
					m := response(query, dnsmessage.RCodeSuccess, address(query.Questions[0], netip.MustParseAddr("192.0.2.66")))
					m.Questions = append([]dnsmessage.Question{}, m.Questions...)
					lie(&m)
					bad = packed(m)
				}
				_, _ = server.WriteToUDPAddrPort(bad, client)
				_, _ = server.WriteToUDPAddrPort(truth(query, false), client)
			}()
			c := newContainer(t)
			c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{{AddrPort: netip.MustParseAddrPort("127.0.0.53:53")}}})
			require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "example.org"))
		})
	}
}

// Another sender may know all: its packet doesn't reach a connected socket.
func TestAnAnswerFromAnotherAddressIsPassedOver(t *testing.T) {
	notrace.Check(t)
	liar, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 66)})
	require.NoError(t, err)
	defer liar.Close()
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 53), Port: 53})
	require.NoError(t, err)
	defer server.Close()
	go func() {
		buffer := make([]byte, 512)
		n, client, err := server.ReadFromUDPAddrPort(buffer)
		var query dnsmessage.Message
		if err != nil || query.Unpack(buffer[:n]) != nil {
			return
		}
		_, _ = liar.WriteToUDPAddrPort(says("192.0.2.66")(query, false), client)
		_, _ = server.WriteToUDPAddrPort(says("192.0.2.1")(query, false), client)
	}()
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{{AddrPort: netip.MustParseAddrPort("127.0.0.53:53")}}})
	require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "example.org"))
}

// The ID and the port of one query say nothing about the next one's.
func TestEachQueryHasAnIDAndAPortOfItsOwn(t *testing.T) {
	notrace.Check(t)
	ids, ports := map[uint16]bool{}, map[uint16]bool{}
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, client, err := server.ReadFromUDPAddrPort(buffer)
			var query dnsmessage.Message
			if err != nil || query.Unpack(buffer[:n]) != nil {
				return
			}
			ids[query.ID], ports[client.Port()] = true, true
			_, _ = server.WriteToUDPAddrPort(says("192.0.2.1")(query, false), client)
		}
	}()
	c := newContainer(t)
	r := c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{{AddrPort: server.LocalAddr().(*net.UDPAddr).AddrPort()}}})
	for range 100 {
		answer := r.forward(parse(queryFor("example.org.", dnsmessage.TypeA), false), false)
		require.Equal(t, uint16(7), unpacked(t, answer).ID)
	}
	server.Close()
	<-done
	require.Greater(t, len(ids), 90)
	require.Greater(t, len(ports), 90)
}

func TestALongAnswerComesOverTCP(t *testing.T) {
	notrace.Check(t)
	var text []string
	for i := range 16 {
		text = append(text, fmt.Sprintf("%d%s", i, strings.Repeat("x", 250)))
	}
	world := newUpstream(t, "127.0.0.53:53", func(query dnsmessage.Message, tcp bool) []byte {
		m := response(query, dnsmessage.RCodeSuccess)
		if m.Truncated = !tcp; tcp {
			m.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: query.Questions[0].Name, Class: dnsmessage.ClassINET},
				Body:   &dnsmessage.TXTResource{TXT: text},
			}}
		}
		return packed(m)
	})
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{world.Server}})
	require.Equal(t, `0 IN TXT "`+strings.Join(text, `" "`)+`"`, c.dig(t, "TXT", "example.org"))
	require.EqualValues(t, 2, world.asked.Load())
}

// A server that answers with more than it was told there is room for.
func TestATooLongDatagramIsToldByTheBitForIt(t *testing.T) {
	notrace.Check(t)
	world := newUpstream(t, "127.0.0.53:53", func(query dnsmessage.Message, _ bool) []byte {
		q := query.Questions[0]
		many := make([]dnsmessage.Resource, 60)
		for i := range many {
			many[i] = address(q, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		}
		return packed(response(query, dnsmessage.RCodeSuccess, many...))
	})
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{world.Server}})
	conn := c.dial(t, "udp", "127.0.0.11:53")
	answer := exchange(t, conn, queryFor("example.org.", dnsmessage.TypeA))
	require.Less(t, len(answer), plainUDP)
	require.True(t, unpacked(t, answer).Truncated)
	require.Len(t, strings.Split(c.dig(t, "+noedns", "example.org"), "\n"), 60, "dig repeats it over TCP")
	require.Len(t, strings.Split(c.dig(t, "+bufsize=1232", "+ignore", "example.org"), "\n"), 60, "here it has room")
}

// The options go on as they are: so DNSSEC does, and so does a server's say.
func TestTheMessageGoesOnWhole(t *testing.T) {
	notrace.Check(t)
	got := make(chan dnsmessage.Message, 1)
	world := newUpstream(t, "127.0.0.53:53", func(query dnsmessage.Message, tcp bool) []byte {
		got <- query
		return says("192.0.2.1")(query, tcp)
	})
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{world.Server}})
	require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "+dnssec", "+bufsize=1400", "+nsid", "+cdflag", "ExAmPlE.org"))
	query := <-got
	require.Equal(t, "ExAmPlE.org.", query.Questions[0].Name.String())
	require.True(t, query.CheckingDisabled)
	require.Len(t, query.Additionals, 1)
	option := query.Additionals[0]
	require.True(t, option.Header.DNSSECAllowed())
	require.EqualValues(t, 1400, option.Header.Class)
	require.EqualValues(t, 3, option.Body.(*dnsmessage.OPTResource).Options[0].Code, "NSID")
}
