package network

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
)

// The tests of this package play on a stage of three kinds of network
// namespace, and never touch the machine's own links and rules:
//
//	outside                 host                        containers
//	198.51.100.2 ── up1 ═ up0 ── 198.51.100.1
//	                             cooper bridge ═ veth… ═ eth0 10.118.0.2
//
// "host" is a network namespace for the whole test process, so that every
// thread and goroutine is in it.
const (
	hostIP     = "198.51.100.1"
	outsideIP  = "198.51.100.2"
	uplinkSize = 1400
)

func TestMain(m *testing.M) {
	namespaces.Init(Inside)
	inherited()
	notrace.OwnRoom(0)
	if os.Geteuid() == 0 {
		if err := linkUp("lo"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// place is a network namespace, held by a thread that never leaves it.
type place struct {
	pid  int // the thread's id, which has a /proc entry like a process
	work chan func()
}

func newPlace(t testing.TB) *place {
	p := &place{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		p.pid = unix.Gettid()
		ready <- unix.Unshare(unix.CLONE_NEWNET)
		for do := range p.work {
			do()
		}
	}()
	require.NoError(t, <-ready)
	t.Cleanup(func() { close(p.work) })
	p.do(func() { require.NoError(t, linkUp("lo")) })
	return p
}

// do runs f in the place; nil is the host.
func (p *place) do(f func()) {
	if p == nil {
		f()
		return
	}
	done := make(chan struct{})
	p.work <- func() { defer close(done); f() }
	<-done
}

func linkUp(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

// world is the host with its neighbour outside, and what the engine knows.
type world struct {
	outside *place
	dir     string // of the networks
}

func newWorld(t testing.TB) *world {
	emptySplicePipes()
	notrace.Check(t)
	notrace.NeedTool(t, "nft")
	noLinksLeft(t)
	t.Cleanup(emptySplicePipes)
	w := &world{outside: newPlace(t), dir: t.TempDir()}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = "up0", uplinkSize, net.FlagUp
	require.NoError(t, netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "up1", PeerNamespace: netlink.NsPid(w.outside.pid)}))
	t.Cleanup(func() {
		link, err := netlink.LinkByName("up0")
		require.NoError(t, err)
		require.NoError(t, netlink.LinkDel(link))
	})
	giveAddress(t, "up0", hostIP)
	w.outside.do(func() { giveAddress(t, "up1", outsideIP) })
	require.NoError(t, netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(outsideIP)}))
	return w
}

// inherited are the pipes that this process was born with; TestMain asks first.
var inherited = sync.OnceValue(pipes)

// emptySplicePipes makes the runtime close the pipes that it keeps for the next
// splice(2) of io.Copy: it does so when they are found to be garbage.
func emptySplicePipes() {
	for range 100 {
		if len(pipes()) <= len(inherited()) {
			return
		}
		runtime.GC()
		runtime.Gosched()
	}
}

// pipes lists this process's descriptors that are ends of pipes.
func pipes() []string {
	files, _ := filepath.Glob("/proc/self/fd/*")
	return slices.DeleteFunc(files, func(file string) bool {
		target, _ := os.Readlink(file)
		return !strings.HasPrefix(target, "pipe:")
	})
}

func giveAddress(t testing.TB, name, ip string) {
	link, err := netlink.LinkByName(name)
	require.NoError(t, err)
	require.NoError(t, netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(ip).To4(), Mask: net.CIDRMask(24, 32)}}))
	require.NoError(t, netlink.LinkSetUp(link))
}

// noLinksLeft does for this namespace what notrace does for the machine's.
func noLinksLeft(t testing.TB) {
	before := links(t)
	t.Cleanup(func() { require.Equal(t, before, links(t), "links left") })
}

func links(t testing.TB) (names []string) {
	list, err := netlink.LinkList()
	require.NoError(t, err)
	for _, link := range list {
		names = append(names, link.Attrs().Name)
	}
	return names
}

// container is a place that was connected like a container.
type container struct {
	*place
	spec *Spec
}

// networks are those of the world's engine.
func (w *world) networks() Networks { return Networks{Dir: w.dir, Table: TableFor(w.dir)} }

// table is what the kernel has of our rules.
func (w *world) table(t testing.TB) string { return nft(t, "list", "table", "inet", TableFor(w.dir)) }

// bridged returns the Spec of a container on the world's bridge.
func (w *world) bridged(t testing.TB, flags ...string) *Spec {
	s := &Spec{}
	s.ID, s.Args = namespaces.NewID(), []string{"true"}
	s.Network = Network{Networks: w.networks(), Endpoints: []Endpoint{{Network: DefaultNetwork}}}
	for _, flag := range flags {
		ports, err := ParsePort(flag)
		require.NoError(t, err)
		s.Network.Ports = append(s.Network.Ports, ports...)
	}
	return s
}

// start connects a place of its own for the Spec, with a Proxy as the
// supervisor has it, and undoes it when the test ends.
func (w *world) start(t testing.TB, s *Spec) *container {
	c := &container{newPlace(t), s}
	proxy, err := Bind(s)
	require.NoError(t, err)
	steps := Connect(s, &namespaces.Process{Pid: c.pid})
	require.NoError(t, namespaces.Take(steps, nil))
	proxy.Serve(s.Network.Address())
	t.Cleanup(func() {
		require.NoError(t, namespaces.Undo(steps))
		require.NoError(t, proxy.Close())
	})
	return c
}

func (c *container) ip() string { return c.spec.Network.Address().String() }

// gate is the host as the container sees it.
func (c *container) gate() string { return c.spec.Network.hostSide().String() }

// nft runs the packet filter's own program, for a look from outside the code.
func nft(t testing.TB, args ...string) string {
	out, err := exec.Command("nft", args...).CombinedOutput()
	require.NoError(t, err, "nft %s: %s", strings.Join(args, " "), out)
	return string(out)
}

func parse(ip string) netip.Prefix { return netip.PrefixFrom(netip.MustParseAddr(ip), 24) }
