package network

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answer serves a port in the place, over TCP and UDP. It tells each caller
// what it was told, by whom, and then ends the connection.
func answer(t testing.TB, p *place, port int) { answerBy(t, p, "4", port) }

// answer6 does so over IPv6.
func answer6(t testing.TB, p *place, port int) { answerBy(t, p, "6", port) }

func answerBy(t testing.TB, p *place, family string, port int) {
	var stream net.Listener
	var packet net.PacketConn
	p.do(func() {
		var err error
		stream, err = net.Listen("tcp"+family, fmt.Sprintf(":%d", port))
		require.NoError(t, err)
		packet, err = net.ListenPacket("udp"+family, fmt.Sprintf(":%d", port))
		require.NoError(t, err)
	})
	t.Cleanup(func() { stream.Close(); packet.Close() })
	go func() {
		for conn, err := stream.Accept(); err == nil; conn, err = stream.Accept() {
			go func() {
				defer conn.Close()
				told, _ := io.ReadAll(conn) // until the caller has said all
				fmt.Fprintf(conn, "%s from %s", told, host(conn.RemoteAddr()))
			}()
		}
	}()
	go func() {
		buffer := make([]byte, 65536)
		for n, from, err := packet.ReadFrom(buffer); err == nil; n, from, err = packet.ReadFrom(buffer) {
			_, _ = packet.WriteTo(fmt.Appendf(nil, "%s from %s", buffer[:n], host(from)), from)
		}
	}()
}

func host(addr net.Addr) netip.Addr { return netip.MustParseAddrPort(addr.String()).Addr() }

// patience is what a busy machine may take for an answer.
const patience = 3 * time.Second

// call says hello from a place and returns what was answered. A call that is
// dropped on the way is given up after patience.
func call(p *place, protocol, address string) (answer string, err error) {
	p.do(func() {
		var conn net.Conn
		if conn, err = net.DialTimeout(protocol, address, patience); err != nil {
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err = io.WriteString(conn, "hello"); err != nil {
			return
		}
		if tcp, is := conn.(*net.TCPConn); is {
			_ = tcp.CloseWrite()
			var all []byte
			all, err = io.ReadAll(conn)
			answer = string(all)
			return
		}
		buffer := make([]byte, 65536)
		var n int
		n, err = conn.Read(buffer)
		answer = string(buffer[:n])
	})
	return answer, err
}
