package trace

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

// lab is a host with two containers on a bridge and a neighbour outside:
//
//	outside                   host                        containers
//	198.51.100.2 ─ up1 ═ up0 ─ 198.51.100.1
//	                           10.118.0.1 ─ cooper0 ┬ veth0 ═ eth0 10.118.0.2 (web)
//	                                                └ veth1 ═ eth0 10.118.0.3 (db)
type lab struct{ web, db, outside *place }

// place is a network namespace, held by a thread that never leaves it.
type place struct {
	netns string
	work  chan func()
}

func newPlace(t testing.TB) *place {
	p := &place{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		p.netns = fmt.Sprintf("/proc/%d/ns/net", unix.Gettid())
		ready <- unix.Unshare(unix.CLONE_NEWNET)
		for do := range p.work {
			do()
		}
	}()
	require.NoError(t, <-ready)
	t.Cleanup(func() { close(p.work) })
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

func (p *place) run(t testing.TB, lines string) {
	t.Helper()
	p.do(func() {
		for line := range strings.Lines(lines) {
			fields := strings.Fields(line)
			out, err := exec.Command(fields[0], fields[1:]...).CombinedOutput()
			require.NoError(t, err, "%s: %s", line, out)
		}
	})
}

func (p *place) thread() string { return strings.Split(p.netns, "/")[2] }

// report is a test with a lab of its own.
type report struct {
	name string
	test func(*testing.T)
}

// everyLab runs them one after the other while it holds the machine.
func everyLab(t *testing.T, reports []report) {
	notrace.Check(t)
	notrace.NeedTool(t, "nft", "ip")
	for _, report := range reports {
		t.Run(report.name, report.test)
	}
}

func newLab(t testing.TB) *lab {
	before := state(t)
	t.Cleanup(func() { require.Equal(t, before, state(t), "left in the host's namespace") })
	l := &lab{newPlace(t), newPlace(t), newPlace(t)}
	var host *place
	t.Cleanup(func() {
		host.run(t, "ip link del cooper0\nip link del veth0\nip link del veth1\nip link del up0")
	})
	host.run(t, `ip link add cooper0 type bridge forward_delay 0
		ip addr add 10.118.0.1/24 dev cooper0
		ip addr add fd12::1/64 dev cooper0 nodad
		ip link set cooper0 up
		ip link add veth0 type veth peer name eth0 netns `+l.web.thread()+`
		ip link add veth1 type veth peer name eth0 netns `+l.db.thread()+`
		ip link set veth0 master cooper0 up
		ip link set veth1 master cooper0 up
		ip link add up0 type veth peer name up1 netns `+l.outside.thread()+`
		ip addr add 198.51.100.1/24 dev up0
		ip link set up0 up`)
	sysctlIs(t, "ipv4/ip_forward", "1")
	for ip, p := range map[string]*place{"10.118.0.2/24": l.web, "10.118.0.3/24": l.db, "198.51.100.2/24": l.outside} {
		link := map[bool]string{true: "up1", false: "eth0"}[p == l.outside]
		p.run(t, "ip link set lo up\nip addr add "+ip+" dev "+link+"\nip link set "+link+" up")
	}
	l.web.run(t, "ip addr add fd12::2/64 dev eth0 nodad\nip route add default via 10.118.0.1\nip -6 route add default via fd12::1")
	l.db.run(t, "ip addr add fd12::3/64 dev eth0 nodad\nip route add default via 10.118.0.1")
	host.run(t, "ip link show up0\nip link show veth0\nip link show veth1\nip link show cooper0") // so that their carriers count
	return l
}

// sysctlIs sets one of the host's parameters until the test ends.
func sysctlIs(t testing.TB, name, value string) {
	before := sysctl(name)
	require.NoError(t, os.WriteFile("/proc/sys/net/"+name, []byte(value), 0))
	t.Cleanup(func() { require.NoError(t, os.WriteFile("/proc/sys/net/"+name, []byte(before), 0)) })
}

// hardware is the address of one of the host's links.
func hardware(t testing.TB, link string) string {
	found, err := net.InterfaceByName(link)
	require.NoError(t, err)
	return found.HardwareAddr.String()
}

// state is what a trace could leave in a namespace.
func state(t testing.TB) string {
	links, err := exec.Command("ip", "-o", "-br", "link").CombinedOutput()
	require.NoError(t, err)
	return string(links) + ruleset(t)
}

func ruleset(t testing.TB) string {
	rules, err := exec.Command("nft", "-s", "list", "ruleset").CombinedOutput()
	require.NoError(t, err)
	return string(rules)
}

// nft loads rules until the test ends. They are the host's unless told otherwise.
func nft(t testing.TB, rules string) {
	t.Helper()
	load := exec.Command("nft", "-f", "-")
	load.Stdin = strings.NewReader(rules)
	out, err := load.CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() { require.NoError(t, exec.Command("nft", "flush", "ruleset").Run()) })
}

const masquerade = `table inet lab {
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 10.118.0.0/24 oifname != "cooper0" masquerade comment "lend the host's address"
	}
}
`

// serve answers at a port, over TCP and UDP.
func (p *place) serve(t testing.TB, address string) {
	p.do(func() {
		stream, err := net.Listen("tcp", address)
		require.NoError(t, err)
		packets, err := net.ListenPacket("udp", address)
		require.NoError(t, err)
		t.Cleanup(func() { stream.Close(); packets.Close() })
		go func() {
			for conn, err := stream.Accept(); err == nil; conn, err = stream.Accept() {
				_, _ = io.Copy(io.Discard, conn)
				conn.Close()
			}
		}()
		go func() {
			buffer := make([]byte, 1500)
			for n, from, err := packets.ReadFrom(buffer); err == nil; n, from, err = packets.ReadFrom(buffer) {
				_, _ = packets.WriteTo(buffer[:n], from)
			}
		}()
	})
}

// probe is a trace from web.
func (l *lab) probe(host string, port uint16, protocol string) Probe {
	return Probe{Container: "web", NetNS: l.web.netns, Host: host, Port: port, Protocol: protocol, Timeout: 500 * time.Millisecond,
		Others: []Other{{"web", l.web.netns}, {"db", l.db.netns}}}
}

// trace runs it and proves that nothing is left.
func trace(t testing.TB, p Probe) *Report {
	t.Helper()
	before := ruleset(t)
	report, err := Run(context.Background(), p)
	require.NoError(t, err)
	require.Equal(t, before, ruleset(t))
	return report
}

// varies is what no two runs have in common.
var varies = regexp.MustCompile(`:[0-9]{5}\b|[0-9]+\.[0-9] ms|([0-9a-f]{2}:){5}[0-9a-f]{2}|handle [0-9]+|/proc/[0-9]+`)

// requireReport compares the printed report with a file of testdata, in which …
// stands for what varies.
func requireReport(t testing.TB, name string, r *Report) {
	t.Helper()
	var text strings.Builder
	require.NoError(t, r.Print(&text))
	got := varies.ReplaceAllStringFunc(text.String(), func(found string) string {
		switch {
		case strings.HasPrefix(found, "handle"):
			return "handle …"
		case strings.HasPrefix(found, "/proc"):
			return "/proc/…"
		case strings.HasPrefix(found, ":"):
			return ":…"
		case strings.HasSuffix(found, "ms"):
			return "… ms"
		}
		return "…"
	})
	path := filepath.Join("testdata", name+".txt")
	want, err := os.ReadFile(path)
	require.NoError(t, err, "%s", got)
	require.Equal(t, string(want), got)
}
