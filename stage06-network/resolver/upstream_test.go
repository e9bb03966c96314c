package resolver

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// upstream is a DNS server in the namespace of whoever starts it. It counts
// what it is asked.
type upstream struct {
	Server
	asked atomic.Int64
}

// answerer gets a query and says what to answer, nothing at all if it is nil.
type answerer func(query dnsmessage.Message, tcp bool) []byte

func newUpstream(t testing.TB, address string, answer answerer) *upstream {
	at := netip.MustParseAddrPort(address)
	packets, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(at))
	require.NoError(t, err)
	at = packets.LocalAddr().(*net.UDPAddr).AddrPort()
	streams, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
	require.NoError(t, err)
	raw, err := packets.SyscallConn()
	require.NoError(t, err)
	require.NoError(t, raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer)
	}))
	require.NoError(t, err)
	u := &upstream{Server: Server{AddrPort: at}}
	var all sync.WaitGroup
	t.Cleanup(func() { packets.Close(); streams.Close(); all.Wait() })
	all.Go(func() {
		buffer := make([]byte, 65535)
		for {
			n, client, err := packets.ReadFromUDPAddrPort(buffer)
			if err != nil {
				return
			}
			if message := u.answer(buffer[:n], false, answer); message != nil {
				_, _ = packets.WriteToUDPAddrPort(message, client)
			}
		}
	})
	all.Go(func() {
		for {
			conn, err := streams.Accept()
			if err != nil {
				return
			}
			if query, err := readFramed(conn); err == nil {
				if message := u.answer(query, true, answer); message != nil {
					_ = writeFramed(conn, message)
				}
			}
			conn.Close()
		}
	})
	return u
}

func (u *upstream) answer(message []byte, tcp bool, answer answerer) []byte {
	var query dnsmessage.Message
	if err := query.Unpack(message); err != nil {
		return nil
	}
	u.asked.Add(1)
	return answer(query, tcp)
}

// says answers every question with this address.
func says(ip string) answerer {
	return func(query dnsmessage.Message, _ bool) []byte {
		q := query.Questions[0]
		return packed(response(query, dnsmessage.RCodeSuccess, address(q, netip.MustParseAddr(ip))))
	}
}

// fails answers every question with an error.
func fails(code dnsmessage.RCode) answerer {
	return func(query dnsmessage.Message, _ bool) []byte { return packed(response(query, code)) }
}

func response(query dnsmessage.Message, code dnsmessage.RCode, records ...dnsmessage.Resource) dnsmessage.Message {
	return dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, RCode: code, RecursionAvailable: true},
		Questions: query.Questions, Answers: records,
	}
}

func packed(m dnsmessage.Message) []byte {
	message, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return message
}

func queryFor(name string, kind dnsmessage.Type) []byte {
	return packed(dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}},
	})
}

func unpacked(t testing.TB, message []byte) (m dnsmessage.Message) {
	require.NoError(t, m.Unpack(message))
	return m
}

// exchange sends a datagram and returns the next one that comes.
func exchange(t testing.TB, conn net.Conn, message []byte) []byte {
	_, err := conn.Write(message)
	require.NoError(t, err)
	buffer := make([]byte, largestDatagram)
	n, err := conn.Read(buffer)
	require.NoError(t, err)
	return buffer[:n]
}
