package network

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// through returns the address of a Proxy in front of the container's port on
// this machine's loopback.
func through(t *testing.T, protocol string, port uint16) (*Proxy, string) {
	local := netip.MustParseAddr("127.0.0.1")
	proxy, err := Listen([]Port{{HostIP: local, ContainerPort: port, Protocol: protocol}})
	require.NoError(t, err)
	proxy.Serve(local)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	return proxy, proxy.Ports()[0].hostSide()
}

// service is a TCP server on loopback that handles one connection at a time.
func service(t *testing.T, handle func(*net.TCPConn)) uint16 {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
			handle(conn.(*net.TCPConn))
		}
	}()
	return uint16(listener.Addr().(*net.TCPAddr).Port)
}

func dial(t *testing.T, protocol, address string) net.Conn {
	conn, err := net.Dial(protocol, address)
	require.NoError(t, err)
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestAClientThatHasSaidAllStillGetsItsAnswer(t *testing.T) {
	said := bytes.Repeat([]byte("a few megabytes, to fill every buffer on the way "), 100_000)
	port := service(t, func(conn *net.TCPConn) {
		defer conn.Close()
		hash := sha256.New()
		n, _ := io.Copy(hash, conn) // ends when the client has said all
		fmt.Fprintf(conn, "%d %x", n, hash.Sum(nil))
	})
	_, address := through(t, TCP, port)
	conn := dial(t, TCP, address)
	_, err := conn.Write(said)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, fmt.Sprintf("%d %x", len(said), sha256.Sum256(said)), string(answer))
}

func TestAServerThatHasSaidAllStillHears(t *testing.T) {
	heard := make(chan string, 1)
	port := service(t, func(conn *net.TCPConn) {
		defer conn.Close()
		fmt.Fprint(conn, "welcome")
		_ = conn.CloseWrite()
		all, _ := io.ReadAll(conn)
		heard <- string(all)
	})
	_, address := through(t, TCP, port)
	conn := dial(t, TCP, address)
	greeting, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "welcome", string(greeting))
	_, err = io.WriteString(conn, "thank you")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.Equal(t, "thank you", <-heard)
}

func TestAPortThatNobodyListensOnIsReset(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := uint16(closed.Addr().(*net.TCPAddr).Port)
	require.NoError(t, closed.Close())
	_, address := through(t, TCP, port)
	conn, err := net.Dial(TCP, address)
	if err == nil { // the reset may also come before Dial returns
		defer conn.Close()
		_, err = io.ReadAll(conn)
	}
	require.ErrorIs(t, err, unix.ECONNRESET, "an empty answer would look like a whole one")
}

func TestAServerThatBreaksOffIsSeenToBreakOff(t *testing.T) {
	port := service(t, func(conn *net.TCPConn) {
		fmt.Fprint(conn, "half of it")
		_, _ = io.ReadFull(conn, make([]byte, 1))
		reset(conn)
	})
	_, address := through(t, TCP, port)
	conn := dial(t, TCP, address)
	_, err := io.ReadFull(conn, make([]byte, len("half of it")))
	require.NoError(t, err)
	_, err = conn.Write([]byte("x"))
	require.NoError(t, err)
	_, err = io.ReadAll(conn)
	require.ErrorIs(t, err, unix.ECONNRESET)
}

func TestClientsThatComeBeforeServeWait(t *testing.T) {
	port := service(t, func(conn *net.TCPConn) { fmt.Fprint(conn, "at last"); conn.Close() })
	local := netip.MustParseAddr("127.0.0.1")
	proxy, err := Listen([]Port{{HostIP: local, ContainerPort: port, Protocol: TCP}})
	require.NoError(t, err)
	defer proxy.Close()
	conn := dial(t, TCP, proxy.Ports()[0].hostSide())
	proxy.Serve(local)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Equal(t, "at last", string(answer))
}

func TestTCPClientsForWhomThereIsNoRoomWait(t *testing.T) {
	port := service(t, func(conn *net.TCPConn) {
		fmt.Fprint(conn, "hello")
		go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
	})
	proxy, err := Listen([]Port{{HostIP: netip.MustParseAddr("127.0.0.1"), ContainerPort: port, Protocol: TCP}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	proxy.room = make(chan struct{}, 2)
	proxy.Serve(netip.MustParseAddr("127.0.0.1"))
	hello := func(conn net.Conn) error {
		_, err := io.ReadFull(conn, make([]byte, len("hello")))
		return err
	}
	var clients []net.Conn
	for range 2 {
		clients = append(clients, dial(t, TCP, proxy.Ports()[0].hostSide()))
		require.NoError(t, hello(clients[len(clients)-1]))
	}
	waiting := dial(t, TCP, proxy.Ports()[0].hostSide())
	require.NoError(t, waiting.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	require.ErrorIs(t, hello(waiting), os.ErrDeadlineExceeded)
	require.NoError(t, clients[0].Close())
	require.NoError(t, waiting.SetReadDeadline(time.Now().Add(10*time.Second)))
	require.NoError(t, hello(waiting))
}

func TestOnlyAPortOfNoAddressIsOnIPv6Too(t *testing.T) {
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skip("a kernel without IPv6")
	}
	for flag, both := range map[string]bool{":80": true, "0.0.0.0::80": false, "127.0.0.1::80": false} {
		ports, err := ParsePort(flag)
		require.NoError(t, err)
		proxy, err := Listen(ports)
		require.NoError(t, err)
		for address, reached := range map[string]bool{"127.0.0.1": true, "::1": both} {
			conn, err := net.Dial(TCP, netip.AddrPortFrom(netip.MustParseAddr(address), proxy.Ports()[0].HostPort).String())
			require.Equal(t, reached, err == nil, "%s by %s: %v", flag, address, err)
			if err == nil {
				require.NoError(t, conn.Close())
			}
		}
		require.NoError(t, proxy.Close())
	}
}

// The Proxy lives in the supervisor of every container that publishes a port.
func TestAnIdlePortCostsOneGoroutine(t *testing.T) {
	before := runtime.NumGoroutine()
	ports, err := ParsePort("127.0.0.1::1-50")
	require.NoError(t, err)
	proxy, err := Listen(ports)
	require.NoError(t, err)
	require.LessOrEqual(t, runtime.NumGoroutine(), before, "none until Serve; those of earlier tests may end meanwhile")
	proxy.Serve(netip.MustParseAddr("127.0.0.1"))
	require.LessOrEqual(t, runtime.NumGoroutine()-before, 50)
	require.NoError(t, proxy.Close())
	require.NoError(t, proxy.Close(), "twice")
	const asking = 1 // Eventually asks from a goroutine of its own
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+asking }, 5*time.Second, time.Millisecond)
}

func TestOfARangeTheFirstFreePortIsTaken(t *testing.T) {
	local := netip.MustParseAddr("127.0.0.1")
	for _, protocol := range []string{TCP, UDP} {
		ports := []Port{{HostIP: local, HostPort: 40100, HostPortLast: 40102, ContainerPort: 80, Protocol: protocol}}
		for want := range uint16(3) {
			proxy, err := Listen(ports)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, proxy.Close()) })
			require.Equal(t, []Port{{HostIP: local, HostPort: 40100 + want, ContainerPort: 80, Protocol: protocol}}, proxy.Ports())
		}
		_, err := Listen(ports)
		require.ErrorIs(t, err, unix.EADDRINUSE)
		require.ErrorContains(t, err, "publish 127.0.0.1:40100-40102:80/"+protocol)
	}
}
