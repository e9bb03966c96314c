package network

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo answers each datagram with itself.
func echo(t *testing.T) uint16 {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 65536)
		for n, from, err := conn.ReadFrom(buffer); err == nil; n, from, err = conn.ReadFrom(buffer) {
			_, _ = conn.WriteTo(buffer[:n], from)
		}
	}()
	return uint16(conn.LocalAddr().(*net.UDPAddr).Port)
}

func ask(t *testing.T, conn net.Conn, question string) string {
	_, err := io.WriteString(conn, question)
	require.NoError(t, err)
	buffer := make([]byte, 65536)
	n, err := conn.Read(buffer)
	require.NoError(t, err)
	return string(buffer[:n])
}

func TestEachUDPClientGetsItsOwnAnswers(t *testing.T) {
	_, address := through(t, UDP, echo(t))
	var clients []net.Conn
	for range 20 {
		clients = append(clients, dial(t, UDP, address))
	}
	for round := range 3 {
		for i, client := range clients {
			question := fmt.Sprintf("client %d, round %d", i, round)
			require.Equal(t, question, ask(t, client, question))
		}
	}
	largest := string(bytes.Repeat([]byte("x"), udpLargest))
	require.Equal(t, largest, ask(t, clients[0], largest))
}

func TestAUDPClientThatIsSilentIsForgotten(t *testing.T) {
	port, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), echo(t))
	relay := newUDPRelay(port, func() netip.AddrPort { return to })
	relay.idle = 20 * time.Millisecond
	served := make(chan struct{})
	go func() { defer close(served); relay.serve() }()
	client := dial(t, UDP, port.LocalAddr().String())
	require.Equal(t, "one", ask(t, client, "one"))
	require.Eventually(t, func() bool {
		relay.lock.Lock()
		defer relay.lock.Unlock()
		return len(relay.clients) == 0
	}, 5*time.Second, time.Millisecond)
	require.Equal(t, "two", ask(t, client, "two"), "and is welcome again")
	require.NoError(t, port.Close())
	relay.close()
	<-served
}

func TestUDPClientsAreLimited(t *testing.T) {
	proxy, address := through(t, UDP, echo(t))
	for range udpClients + 20 {
		conn, err := net.Dial(UDP, address)
		require.NoError(t, err)
		_, err = conn.Write([]byte("x"))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	relay := proxy.relays[0]
	require.Never(t, func() bool {
		relay.lock.Lock()
		defer relay.lock.Unlock()
		return len(relay.clients) > udpClients
	}, 50*time.Millisecond, time.Millisecond)
}
