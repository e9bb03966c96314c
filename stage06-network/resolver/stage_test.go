package resolver

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

// The tests play on a stage of two kinds of network namespace: "host" is one
// for the whole test process, whose loopback is so its own, and each container
// is another.
func TestMain(m *testing.M) {
	notrace.OwnRoom(0)
	if os.Geteuid() == 0 {
		if err := setLoopback(netlink.LinkSetUp); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func setLoopback(how func(netlink.Link) error) error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return how(lo)
}

func giveAddress(t testing.TB, link, ip string) {
	l, err := netlink.LinkByName(link)
	require.NoError(t, err)
	require.NoError(t, netlink.LinkSetUp(l))
	address, err := netlink.ParseAddr(ip + "/24")
	require.NoError(t, err)
	require.NoError(t, netlink.AddrAdd(l, address))
}

// container is a network namespace, held by a thread that never leaves it.
type container struct {
	netns *os.File
	work  chan func()
}

func newContainer(t testing.TB) *container {
	c := &container{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Unshare(unix.CLONE_NEWNET)
		if err == nil {
			c.netns, err = os.Open("/proc/thread-self/ns/net")
		}
		ready <- err
		for do := range c.work {
			do()
		}
	}()
	require.NoError(t, <-ready)
	t.Cleanup(func() { close(c.work); c.netns.Close() })
	c.do(func() { require.NoError(t, setLoopback(netlink.LinkSetUp)) })
	return c
}

func (c *container) do(f func()) {
	done := make(chan struct{})
	c.work <- func() { defer close(done); f() }
	<-done
}

// dial makes a client's socket in the container.
func (c *container) dial(t testing.TB, protocol, address string) (conn net.Conn) {
	c.do(func() {
		var err error
		conn, err = net.Dial(protocol, address)
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(20*time.Second)))
	})
	t.Cleanup(func() { conn.Close() })
	return conn
}

// run runs a program in the container, with its resolv.conf, and returns what
// it prints.
func (c *container) run(t testing.TB, args ...string) string {
	notrace.NeedTool(t, "unshare", "mount", args[0])
	resolv := filepath.Join(t.TempDir(), "resolv.conf")
	require.NoError(t, os.WriteFile(resolv, []byte("nameserver 127.0.0.11\noptions ndots:0\n"), 0o644))
	script := `mount --bind "$1" /etc/resolv.conf; shift; exec "$@"`
	command := exec.Command("unshare", append([]string{"--mount", "sh", "-ec", script, "sh", resolv}, args...)...)
	var out []byte
	c.do(func() { out, _ = command.CombinedOutput() }) // what it says is looked at
	return string(out)
}

// dig asks and returns the words of each answer, or the status if it isn't
// NOERROR.
func (c *container) dig(t testing.TB, args ...string) string {
	out := c.run(t, append([]string{"dig", "+noall", "+comments", "+answer", "+tries=1", "+time=15"}, args...)...)
	_, status, ok := strings.Cut(out, "status: ")
	require.True(t, ok, "dig: %s", out)
	status, _, _ = strings.Cut(status, ",")
	if status != "NOERROR" {
		return status
	}
	var answers []string
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 4 && !strings.HasPrefix(line, ";") {
			answers = append(answers, strings.Join(fields[1:], " "))
		}
	}
	return strings.Join(answers, "\n")
}

// serve starts a Resolver for the container.
func (c *container) serve(t testing.TB, config Config) *Resolver {
	r, err := Listen(c.netns, config)
	require.NoError(t, err)
	r.Serve()
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// on returns a Config's Networks that stay as they are.
func on(networks ...Network) func() ([]Network, error) {
	return func() ([]Network, error) { return networks, nil }
}

// newNetwork is a network with nobody on it.
func newNetwork(t testing.TB, name string) Network {
	dir := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "names"), 0o700))
	return Network{Name: name, Dir: dir}
}

// join does what the network's part of the engine does when a container comes.
func (n Network) join(t testing.TB, id, name, addresses string, aliases ...string) {
	text := addresses + " " + name
	link := func(to string, path ...string) {
		at := filepath.Join(append([]string{n.Dir}, path...)...)
		require.NoError(t, os.MkdirAll(filepath.Dir(at), 0o700))
		require.NoError(t, os.Symlink(to, at))
	}
	link(text, id)
	for _, address := range strings.Fields(addresses) {
		link(id, address)
	}
	for _, alias := range append(aliases, strings.ToLower(name), id[:12]) {
		link(text, "names", alias, id)
	}
}

// leave is the other way round.
func (n Network) leave(t testing.TB, id, name string) {
	require.NoError(t, os.Remove(filepath.Join(n.Dir, "names", name, id)))
}

const (
	webID = "4f1c00000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	dbID  = "9b0200000000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)
