package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

// The stage that these tests play on:
//
//	outside                      host                       container
//	198.51.100.2 ── up1 ═ up0 ── 198.51.100.1 ── program ── eth0
const (
	hostIP    = "198.51.100.1"
	outsideIP = "198.51.100.2"
)

// outside is a thread in another network namespace, which does what it is told.
type outside chan func()

// newHost makes this process's namespaces a host with a neighbour outside. Its
// users may have tap links, and 200 ids more, and it asks a name server of its
// own on 127.0.0.53, as systemd-resolved's.
func newHost(t *testing.T) outside {
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip(notrace.SkipReason + "/dev/net/tun")
	}
	notrace.NeedTool(t, "ip", "newuidmap", "newgidmap")
	o := make(outside)
	tid := make(chan int)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			panic(err)
		}
		tid <- unix.Gettid()
		for do := range o {
			do()
		}
	}()
	ip := func(args string) {
		out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
		assert.NoError(t, err, "ip %s: %s", args, out)
	}
	ip("link set lo up")
	ip(fmt.Sprintf("link add up0 type veth peer name up1 netns /proc/%d/ns/net", <-tid))
	ip("address add " + hostIP + "/24 dev up0")
	ip("link set up0 up")
	ip("route add default via " + outsideIP)
	o.do(func() {
		ip("link set lo up")
		ip("address add " + outsideIP + "/24 dev up1")
		ip("link set up1 up")
	})
	t.Cleanup(func() {
		ip("link del up0")
		ip("link set lo down")
		close(o)
	})

	dir := t.TempDir()
	over := func(path, text string) {
		file := filepath.Join(dir, filepath.Base(path))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		at, err := filepath.EvalSymlinks(path)
		require.NoError(t, err)
		require.NoError(t, unix.Mount(file, at, "", unix.MS_BIND, ""))
		t.Cleanup(func() { require.NoError(t, unix.Unmount(at, unix.MNT_DETACH)) })
	}
	over("/etc/resolv.conf", "nameserver 127.0.0.53\n")
	over("/etc/subuid", "1000:300000:200\n")
	over("/etc/subgid", "1000:300000:200\n")
	tun := filepath.Join(dir, "tun")
	require.NoError(t, unix.Mknod(tun, unix.S_IFCHR, int(unix.Mkdev(10, 200))))
	require.NoError(t, os.Chmod(tun, 0o666)) // as udev has it everywhere
	require.NoError(t, unix.Mount(tun, "/dev/net/tun", "", unix.MS_BIND, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount("/dev/net/tun", unix.MNT_DETACH)) })
	return o
}

// do runs f outside.
func (o outside) do(f func()) {
	done := make(chan struct{})
	o <- func() { defer close(done); f() }
	<-done
}

// call says hello and returns what was answered, from outside or, with no
// outside, from the host.
func (o outside) call(protocol, address string) (answer string, err error) {
	var conn net.Conn
	dial := func() { conn, err = net.DialTimeout(protocol, address, patience) }
	if o == nil {
		dial()
	} else {
		o.do(dial)
	}
	if err != nil {
		return "", err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err = io.WriteString(conn, "hello"); err != nil {
		return "", err
	}
	buffer := make([]byte, 1024)
	n, err := conn.Read(buffer)
	return string(buffer[:n]), err
}

// patience is what a busy machine may take for an answer.
const patience = 5 * time.Second

// answer serves a port over TCP and UDP: it tells each caller what to say.
func answer(t *testing.T, listen func(func()), address string, say func(from string) string) {
	var stream net.Listener
	var packet net.PacketConn
	var err1, err2 error
	listen(func() {
		stream, err1 = net.Listen("tcp4", address)
		packet, err2 = net.ListenPacket("udp4", address)
	})
	require.NoError(t, err1)
	require.NoError(t, err2)
	t.Cleanup(func() { stream.Close(); packet.Close() })
	go serveStream(stream, say)
	go servePackets(packet, say)
}

func serveStream(stream net.Listener, say func(from string) string) {
	for conn, err := stream.Accept(); err == nil; conn, err = stream.Accept() {
		go func() {
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1024)) // or else the close would be a reset
			_, _ = io.WriteString(conn, say(host(conn.RemoteAddr())))
		}()
	}
}

func servePackets(packet net.PacketConn, say func(from string) string) {
	buffer := make([]byte, 1024)
	for _, from, err := packet.ReadFrom(buffer); err == nil; _, from, err = packet.ReadFrom(buffer) {
		_, _ = packet.WriteTo([]byte(say(host(from))), from)
	}
}

func host(addr net.Addr) string {
	ip, _, _ := net.SplitHostPort(addr.String())
	return ip
}

// answerInContainer is the program that is called there: it serves port 80 over
// both protocols, calls somebody by both, and prints what was answered.
func answerInContainer() {
	stream, err1 := net.Listen("tcp4", ":80")
	packet, err2 := net.ListenPacket("udp4", ":80")
	if err := errors.Join(err1, err2); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	say := func(from string) string { return "hello, " + from }
	go serveStream(stream, say)
	go servePackets(packet, say)
	for call := range slices.Chunk(os.Args[1:], 2) { // a protocol and an address
		got, err := outside(nil).call(call[0], call[1])
		if err != nil {
			got = "no answer"
		}
		fmt.Println(call[0], got)
	}
}

// serveNames answers each query for a name with one address.
func serveNames(t *testing.T, address string, with [4]byte) {
	socket, err := net.ListenPacket("udp4", address)
	require.NoError(t, err)
	t.Cleanup(func() { socket.Close() })
	go func() {
		buffer := make([]byte, 512)
		for n, from, err := socket.ReadFrom(buffer); err == nil; n, from, err = socket.ReadFrom(buffer) {
			var m dnsmessage.Message
			if m.Unpack(buffer[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response = true
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
					Body: &dnsmessage.AResource{A: with}}}
			}
			if packed, err := m.Pack(); err == nil {
				_, _ = socket.WriteTo(packed, from)
			}
		}
	}()
}
