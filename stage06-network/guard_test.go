package network

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
)

// S51. The same forgeries succeed when the container isn't guarded, so it is the
// guard that stops them.
func TestWhoCanForgePacketsIsNotBelieved(t *testing.T) {
	for _, guarded := range []bool{false, true} {
		t.Run(fmt.Sprintf("guarded %t", guarded), func(t *testing.T) { forge(t, guarded) })
	}
}

func forge(t *testing.T, guarded bool) {
	w := newWorld(t)
	d := w.network(t, Definition{Name: "six", IPv6: true})
	victim := w.start(t, w.on(t, []string{"six"}))
	s := w.on(t, []string{"six"})
	if guarded {
		s.Capabilities = []string{"CAP_NET_RAW"}
	}
	forger := w.start(t, s)
	gate, gate6 := d.Subnets[0].Gateway, d.Subnets[1].Gateway
	own := forger.spec.Network.Endpoints[0].Hardware()
	victimMAC := victim.spec.Network.Endpoints[0].Hardware()

	said, err := call(forger.place, TCP, victim.ip()+":1")
	require.ErrorIs(t, err, unix.ECONNREFUSED, "under its own address it gets through %s", said)
	for _, ip := range []string{gate.String(), gate6.String()} { // the victim knows the true ones
		_, _ = call(victim.place, TCP, net.JoinHostPort(ip, "1"))
	}
	victim.do(func() { // what it has just learnt can be replaced at once, not in a second
		require.NoError(t, setSysctl("ipv4/neigh/eth0/locktime", "0"))
	})
	arp := slices.Concat(victimMAC, own, []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2}, own, gate.AsSlice(), victimMAC, victim.spec.Network.Address().AsSlice())
	forger.sendFrame(t, slices.Concat(victimMAC, own, []byte{0x86, 0xdd}, neighbourAdvertOf(gate6, victim.spec.Network.Endpoints[0].Address6.Addr(), own)))
	udp := datagram(gate, victim.spec.Network.Address(), 4000, 5000)
	heard := victim.hears(t, 5000, func() { forger.sendFrame(t, slices.Concat(victimMAC, own, []byte{8, 0}, udp)) })

	require.Equal(t, !guarded, heard, "a datagram of the gateway's address")
	for range 500 { // what was learnt in the same tick of the kernel's clock isn't replaced
		if forger.sendFrame(t, arp); victim.believes(t, gate, own) {
			break
		}
	}
	require.Equal(t, !guarded, victim.believes(t, gate, own), "ARP")
	require.Equal(t, !guarded, victim.believes(t, gate6, own), "neighbour discovery")
}

func TestTheGuardGoesWithTheContainer(t *testing.T) {
	w := newWorld(t)
	s := w.bridged(t)
	s.Capabilities = []string{"CAP_NET_RAW"}
	all := len(Connect(s, &namespaces.Process{}))
	for taken := range all + 1 {
		p := &namespaces.Process{Pid: newPlace(t).pid}
		require.NoError(t, namespaces.Take(Connect(s, p)[:taken], nil))
		require.NoError(t, namespaces.Undo(Connect(bare(s), &namespaces.Process{})))
		require.Empty(t, nft(t, "list", "ruleset"), "after %d steps", taken)
	}
	s.Capabilities = append(s.Capabilities, "CAP_NET_ADMIN")
	require.NotContains(t, names(Connect(s, nil)), "network/guard", "it may have addresses of its own")
}

// sendFrame puts an Ethernet frame on eth0 as it is; see packet(7).
func (c *container) sendFrame(t *testing.T, frame []byte) {
	c.do(func() {
		eth0, err := netlink.LinkByName("eth0")
		require.NoError(t, err)
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		defer unix.Close(fd)
		require.NoError(t, unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: eth0.Attrs().Index}))
	})
}

// believes reports whether the place thinks that an address is this one's. A
// frame that comes is acted upon before the sender's call returns, so there is
// nothing to wait for.
func (c *container) believes(t *testing.T, ip netip.Addr, hardware net.HardwareAddr) (believed bool) {
	c.do(func() {
		family := netlink.FAMILY_V4
		if ip.Is6() {
			family = netlink.FAMILY_V6
		}
		list, err := netlink.NeighList(0, family)
		require.NoError(t, err)
		for _, neighbour := range list {
			if neighbour.IP.Equal(ip.AsSlice()) {
				believed = neighbour.HardwareAddr.String() == hardware.String()
			}
		}
	})
	return believed
}

// hears reports whether a datagram comes to the port.
func (c *container) hears(t *testing.T, port int, while func()) bool {
	var conn *net.UDPConn
	c.do(func() {
		var err error
		conn, err = net.ListenUDP("udp4", &net.UDPAddr{Port: port})
		require.NoError(t, err)
	})
	defer conn.Close()
	while()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Second)))
	_, err := conn.Read(make([]byte, 100))
	return err == nil
}

// datagram is an IPv4 packet with UDP in it, which needs no checksum there.
func datagram(from, to netip.Addr, fromPort, toPort uint16) []byte {
	header := slices.Concat([]byte{0x45, 0, 0, 33, 0, 0, 0, 0, 64, unix.IPPROTO_UDP, 0, 0}, from.AsSlice(), to.AsSlice())
	sum := checksum(header)
	header[10], header[11] = byte(sum>>8), byte(sum)
	return slices.Concat(header, []byte{byte(fromPort >> 8), byte(fromPort), byte(toPort >> 8), byte(toPort), 0, 13, 0, 0}, []byte("hello"))
}

// neighbourAdvertOf says, over IPv6, that an address is the hardware's: RFC 4861, 4.4.
func neighbourAdvertOf(target, to netip.Addr, hardware net.HardwareAddr) []byte {
	const overridesAndSolicited = 0x60
	message := slices.Concat([]byte{neighbourAdvert, 0, 0, 0, overridesAndSolicited, 0, 0, 0}, target.AsSlice(), []byte{2, 1}, hardware)
	pseudo := slices.Concat(target.AsSlice(), to.AsSlice(), []byte{0, 0, 0, byte(len(message)), 0, 0, 0, unix.IPPROTO_ICMPV6}, message)
	sum := checksum(pseudo)
	message[2], message[3] = byte(sum>>8), byte(sum)
	return slices.Concat([]byte{0x60, 0, 0, 0, 0, byte(len(message)), unix.IPPROTO_ICMPV6, 255}, target.AsSlice(), to.AsSlice(), message)
}

// checksum is the Internet's: RFC 1071.
func checksum(data []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(data); i += 2 {
		sum += uint32(data[i])<<8 | uint32(data[i+1])
	}
	if len(data)%2 == 1 {
		sum += uint32(data[len(data)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
