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

func TestTheUDPClientThatIsSilentForLongestMakesRoom(t *testing.T) {
	proxy, address := through(t, UDP, echo(t))
	first, second := dial(t, UDP, address), dial(t, UDP, address)
	require.Equal(t, "one", ask(t, first, "one"))
	require.Equal(t, "two", ask(t, second, "two"))
	require.Equal(t, "again", ask(t, first, "again"))
	for i := range udpClients - 1 {
		require.Equal(t, "hello", ask(t, dial(t, UDP, address), "hello"), "client %d", i)
	}
	relay := proxy.relays[0]
	relay.lock.Lock()
	defer relay.lock.Unlock()
	known := map[netip.AddrPort]bool{}
	for caller := range relay.clients {
		known[caller.client] = true
	}
	require.Equal(t, udpClients, len(known))
	require.True(t, known[local(first)])
	require.False(t, known[local(second)])
}

func local(conn net.Conn) netip.AddrPort { return netip.MustParseAddrPort(conn.LocalAddr().String()) }

func TestAUDPClientIsAnsweredByTheAddressThatItCalled(t *testing.T) {
	ports := []Port{{ContainerPort: echo(t), Protocol: UDP}, {HostIP: netip.IPv4Unspecified(), ContainerPort: echo(t), Protocol: UDP}}
	proxy, err := Listen(ports)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	proxy.Serve(netip.MustParseAddr("127.0.0.1"))
	for _, port := range proxy.Ports() {
		for _, ip := range []string{"127.0.0.1", "127.0.0.2", "127.1.2.3"} {
			client := dial(t, UDP, netip.AddrPortFrom(netip.MustParseAddr(ip), port.HostPort).String())
			require.Equal(t, ip, ask(t, client, ip))
		}
	}
}

// The container comes to another network, and its way out goes there.
func TestAUDPClientThatIsKnownIsLedToTheNewAddress(t *testing.T) {
	proxy, address := through(t, UDP, echo(t))
	client := dial(t, UDP, address)
	require.Equal(t, "one", ask(t, client, "one"))
	proxy.Lead(netip.MustParseAddr("127.0.0.9"))
	moved, err := net.ListenUDP(UDP, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 9), Port: int(proxy.Ports()[0].ContainerPort)})
	require.NoError(t, err)
	defer moved.Close()
	_, err = io.WriteString(client, "two")
	require.NoError(t, err)
	require.NoError(t, moved.SetDeadline(time.Now().Add(10*time.Second)))
	heard := make([]byte, 16)
	n, err := moved.Read(heard)
	require.NoError(t, err)
	require.Equal(t, "two", string(heard[:n]))
}
