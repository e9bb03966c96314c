package firewall

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

// The tests play on a host of their own, with the real tools of the other
// firewalls: a network namespace for each test, which its thread is in, and a
// /run of the test process's own, where the locks, the bus and the named
// namespaces are.
//
//	outside               host                         containers
//	198.51.100.2  ── up1 ═ up0 ── 198.51.100.1
//	                              cooper0  10.118.0.1 ═ 10.118.0.2  ours
//	                              other0   172.30.0.1 ═ 172.30.0.2  theirs
func TestMain(m *testing.M) {
	if os.Getenv(asLoop) != "" {
		loop()
	}
	notrace.OwnRoom(unix.CLONE_NEWNS)
	if os.Geteuid() == 0 {
		if err := errors.Join(
			unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
			unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"),
			os.Mkdir("/run/netns", 0o755),
			unix.Mount("/run/netns", "/run/netns", "", unix.MS_BIND, ""), // or ip makes one of it
			unix.Mount("", "/run/netns", "", unix.MS_SHARED, "")); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

const ourLinks = "cooper+"

// newHost moves the test, that is its thread, to a host with the tools. It goes
// back at the end, to be looked at for traces there.
func newHost(t testing.TB, tools ...string) {
	notrace.Check(t)
	notrace.NeedTool(t, append(tools, "ip", "nft")...)
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	require.NoError(t, err)
	require.NoError(t, unix.Unshare(unix.CLONE_NEWNET))
	t.Cleanup(func() {
		defer runtime.UnlockOSThread()
		defer home.Close()
		require.NoError(t, unix.Setns(int(home.Fd()), unix.CLONE_NEWNET))
	})
	run(t, "ip link set lo up")
	for _, err := range []error{sysctl("ipv4/ip_forward", "1"), sysctl("ipv6/conf/all/forwarding", "1"), noDAD()} {
		require.NoError(t, err)
	}
	for _, place := range []struct{ name, net4, net6 string }{
		{"outside", "198.51.100.", "fd00:0::"}, {"ours", "10.118.0.", "fd00:c::"}, {"theirs", "172.30.0.", "fd00:d::"},
	} {
		run(t, "ip netns add "+place.name)
		t.Cleanup(func() { run(t, "ip netns delete "+place.name) })
		in(t, place.name, func() (struct{}, error) { return struct{}{}, noDAD() })
		run(t, "ip link add to-"+place.name+" type veth peer name eth0 netns "+place.name)
		link := "to-" + place.name
		if bridge := bridges[place.name]; bridge != "" {
			run(t, "ip link add "+bridge+" type bridge")
			run(t, "ip link set "+link+" up master "+bridge)
			link = bridge
		}
		run(t, "ip address add "+place.net4+"1/24 dev "+link)
		run(t, "ip address add "+place.net6+"1/64 dev "+link+" nodad")
		run(t, "ip link set "+link+" up")
		in := "ip -n " + place.name
		run(t, in+" link set lo up")
		run(t, in+" address add "+place.net4+"2/24 dev eth0")
		run(t, in+" address add "+place.net6+"2/64 dev eth0 nodad")
		run(t, in+" link set eth0 up")
		run(t, in+" route add default via "+place.net4+"1")
		run(t, in+" route add default via "+place.net6+"1")
	}
}

func sysctl(name, value string) error {
	return os.WriteFile("/proc/sys/net/"+name, []byte(value), 0)
}

// noDAD lets links use their IPv6 addresses at once.
func noDAD() error { return sysctl("ipv6/conf/default/accept_dad", "0") }

var bridges = map[string]string{"ours": "cooper0", "theirs": "other0"}

// addresses of the places, by family.
var addresses = map[string]map[byte]string{
	"outside": {unix.NFPROTO_IPV4: "198.51.100.2", unix.NFPROTO_IPV6: "fd00::2"},
	"ours":    {unix.NFPROTO_IPV4: "10.118.0.2", unix.NFPROTO_IPV6: "fd00:c::2"},
	"theirs":  {unix.NFPROTO_IPV4: "172.30.0.2", unix.NFPROTO_IPV6: "fd00:d::2"},
}

// run runs a command line on the host and returns what it printed.
func run(t testing.TB, line string) string {
	t.Helper()
	words := strings.Fields(line)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	require.NoError(t, err, "%s: %s", line, out)
	return string(out)
}

// What a busy machine may take for an answer; and what it takes at the least, so
// that there is none after that with a firewall that drops.
const (
	patience = 5 * time.Second
	glimpse  = 300 * time.Millisecond
)

// reaches tells whether one place gets an answer from another.
func reaches(t testing.TB, from, to string, family byte) bool {
	t.Helper()
	return answers(t, from, to, family, patience)
}

// kept tells whether one place gets no answer from another.
func kept(t testing.TB, from, to string, family byte) bool {
	t.Helper()
	return !answers(t, from, to, family, glimpse)
}

func answers(t testing.TB, from, to string, family byte, within time.Duration) bool {
	t.Helper()
	server := in(t, to, func() (net.Listener, error) { return net.Listen("tcp", ":0") })
	defer server.Close()
	go func() {
		for conn, err := server.Accept(); err == nil; conn, err = server.Accept() {
			conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(server.Addr().String())
	require.NoError(t, err)
	return in(t, from, func() (bool, error) {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(addresses[to][family], port), within)
		if err != nil {
			return false, nil
		}
		return true, conn.Close()
	})
}

// in calls do in a place.
func in[T any](t testing.TB, place string, do func() (T, error)) (value T) {
	t.Helper()
	there, err := os.Open(filepath.Join("/run/netns", place))
	require.NoError(t, err)
	defer there.Close()
	require.NoError(t, namespace{there}.do(func() (err error) {
		value, err = do()
		return err
	}))
	return value
}

type namespace struct{ *os.File }

// namespaceOf is the one that the test is in.
func namespaceOf(t testing.TB) namespace {
	here, err := os.Open("/proc/thread-self/ns/net")
	require.NoError(t, err)
	t.Cleanup(func() { here.Close() })
	return namespace{here}
}

// do calls f in the namespace.
func (n namespace) do(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		err := unix.Setns(int(n.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			err = f()
		}
		result <- err
	}()
	return <-result
}
