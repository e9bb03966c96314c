package network

import (
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
)

// onWire makes a network on the host's own wire, if the kernel has the driver.
func (w *world) onWire(t *testing.T, driver Driver, kind string, options Options) *Spec {
	probe := netlink.NewLinkAttrs()
	probe.Name, probe.ParentIndex = "probe", 1
	err := netlink.LinkAdd(&netlink.GenericLink{LinkAttrs: probe, LinkType: kind})
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("for a machine whose kernel has " + kind)
	}
	if link, err := netlink.LinkByName("probe"); err == nil {
		require.NoError(t, netlink.LinkDel(link))
	}
	w.network(t, Definition{Name: "wire", Driver: driver, Options: options, Subnets: []Subnet{{
		Prefix: netip.MustParsePrefix("198.51.100.0/24"), Range: netip.MustParsePrefix("198.51.100.128/25"), Gateway: netip.MustParseAddr(outsideIP)}}})
	return w.on(t, []string{"wire"})
}

func TestAnIPvlanIsOnTheHostsOwnWire(t *testing.T) {
	w := newWorld(t)
	c := w.start(t, w.onWire(t, IPvlan, "ipvlan", Options{optionParent: "up0", optionIPvlan: "l2"}))
	answer(t, w.outside, 7)
	got, err := call(c.place, TCP, outsideIP+":7")
	require.NoError(t, err)
	require.Equal(t, "hello from "+c.ip(), got)
	up0, err := netlink.LinkByName("up0")
	require.NoError(t, err)
	c.do(func() {
		eth0, err := netlink.LinkByName("eth0")
		require.NoError(t, err)
		require.Equal(t, "ipvlan", eth0.Type())
		require.Equal(t, up0.Attrs().HardwareAddr, eth0.Attrs().HardwareAddr, "one for all")
	})
}

// What was made for the network goes with its last container.
func TestTheLinkThatIsSharedIsMadeIfItCanBe(t *testing.T) {
	for kind, options := range map[string]Options{"vlan": {optionParent: "up0.5"}, "dummy": nil} {
		t.Run(kind, func(t *testing.T) {
			w := newWorld(t)
			s := w.onWire(t, Macvlan, kind, options)
			d, err := w.networks().Find("wire")
			require.NoError(t, err)
			steps := Connect(s, &namespaces.Process{Pid: newPlace(t).pid})
			require.NoError(t, namespaces.Take(steps, nil))
			link, err := netlink.LinkByName(d.Link)
			require.NoError(t, err)
			require.Equal(t, kind, link.Type())
			require.NoError(t, namespaces.Undo(steps))
			require.NotContains(t, links(t), d.Link)
		})
	}
}

// One like a VLAN's, which any kernel can make.
func TestTheLinkThatIsSharedStaysForAnotherNetwork(t *testing.T) {
	w := newWorld(t)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "lan0"
	require.NoError(t, netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}))
	lan, err := netlink.LinkByName("lan0")
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetAlias(lan, w.networks().Table))
	var made []*Definition
	for _, name := range []string{"one", "two"} {
		d, err := w.networks().Create(Definition{Name: name, Driver: Macvlan, Options: Options{optionParent: "lan0"}})
		require.NoError(t, err)
		made = append(made, d)
	}
	require.NoError(t, ensureParent(made[0], w.networks().Table))
	lan, err = netlink.LinkByName("lan0")
	require.NoError(t, err)
	require.NotZero(t, lan.Attrs().Flags&net.FlagUp, "a crash had left it down")
	for i, there := range []bool{true, false} {
		require.NoError(t, w.networks().Idle(made[i].Name))
		require.NoError(t, w.networks().Remove(made[i].Name))
		_, err = netlink.LinkByName("lan0")
		require.Equal(t, there, err == nil, "after %s", made[i].Name)
	}
}

func TestAParentThatIsNotThereIsAnErrorThatSaysWhatToDo(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "wire", Driver: Macvlan, Options: Options{optionParent: "nosuch"}})
	err := namespaces.Take(Connect(w.on(t, []string{"wire"}), &namespaces.Process{Pid: newPlace(t).pid}), nil)
	require.ErrorContains(t, err, "parent nosuch: the host has no such link: create the network with -o parent=LINK")
}

func TestAMacvlanIsOnTheHostsOwnWire(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "wire", Driver: Macvlan, Options: Options{optionParent: "up0"},
		Subnets: []Subnet{{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Range: netip.MustParsePrefix("198.51.100.128/25"), Gateway: netip.MustParseAddr(outsideIP)}}})
	s := w.on(t, []string{"wire"})
	s.Network.Endpoints[0].MAC = "02:00:00:00:00:77"
	c := w.start(t, s)
	answer(t, w.outside, 7)
	got, err := call(c.place, TCP, outsideIP+":7")
	require.NoError(t, err)
	require.Equal(t, "hello from "+c.ip(), got, "under its own address")
	require.Equal(t, "198.51.100.128", c.ip())
	c.do(func() {
		eth0, err := netlink.LinkByName("eth0")
		require.NoError(t, err)
		require.Equal(t, "02:00:00:00:00:77", eth0.Attrs().HardwareAddr.String())
		require.Equal(t, "macvlan", eth0.Type())
	})
}
