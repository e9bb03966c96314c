package resolver

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vishvananda/netlink"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"cooper/stage01-namespaces/notrace"
)

func TestAContainerCanBeADNSServerItself(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop)})
	c.do(func() { newUpstream(t, "0.0.0.0:53", says("192.0.2.53")) })

	for _, protocol := range []string{"+notcp", "+tcp"} {
		require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, protocol, "web"))
		require.Equal(t, "600 IN A 192.0.2.53", c.dig(t, protocol, "@127.0.0.1", "web"))
	}
}

// A supervisor that was killed left its rules, and they lead nowhere.
func TestTheNextSupervisorTakesOver(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	c := newContainer(t)
	for range 3 {
		r := c.serve(t, Config{Networks: on(shop)})
		require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "web"))
		require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "+tcp", "web"))
		require.NoError(t, r.Close())
	}
	rules := c.run(t, "nft", "list", "ruleset")
	require.Equal(t, 2, strings.Count(rules, "dnat to 127.0.0.11:"), rules)
	require.Contains(t, rules, "ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:")
	require.Contains(t, rules, "ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:")
}

func TestLoopbackMayComeLater(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	c := newContainer(t)
	c.do(func() { require.NoError(t, setLoopback(netlink.LinkSetDown)) })
	c.serve(t, Config{Networks: on(shop)})
	c.do(func() { require.NoError(t, setLoopback(netlink.LinkSetUp)) })
	require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "web"))
	require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "+tcp", "web"))
}

// A query that comes before Serve waits.
func TestWhoAsksEarlyIsAnswered(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	c := newContainer(t)
	r, err := Listen(c.netns, Config{Networks: on(shop)})
	require.NoError(t, err)
	udp, tcp := c.dial(t, "udp", "127.0.0.11:53"), c.dial(t, "tcp", "127.0.0.11:53")
	query := queryFor("web.", dnsmessage.TypeA)
	_, err = udp.Write(query)
	require.NoError(t, err)
	require.NoError(t, writeFramed(tcp, query))
	r.Serve()
	buffer := make([]byte, 512)
	_, err = udp.Read(buffer)
	require.NoError(t, err)
	_, err = readFramed(tcp)
	require.NoError(t, err)
	require.NoError(t, r.Close())
}

// A thread that stayed in the container would one day make somebody else's
// socket there.
func TestEveryThreadIsAtHomeAgain(t *testing.T) {
	notrace.Check(t)
	c := newContainer(t)
	away, err := os.Stat(fmt.Sprintf("/proc/self/fd/%d", c.netns.Fd()))
	require.NoError(t, err)
	before := threadsIn(t, away)
	require.Equal(t, 1, before, "the container's own")
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			fd, err := socket(c.netns, unix.AF_INET, unix.SOCK_DGRAM)
			require.NoError(t, err)
			require.NoError(t, unix.Close(fd))
		})
	}
	all.Wait()
	require.Equal(t, before, threadsIn(t, away))

	notANamespace, err := os.Open("/dev/null")
	require.NoError(t, err)
	defer notANamespace.Close()
	_, err = Listen(notANamespace, Config{})
	require.ErrorIs(t, err, unix.EINVAL)
}

func threadsIn(t *testing.T, netns os.FileInfo) (count int) {
	threads, err := filepath.Glob("/proc/self/task/*/ns/net")
	require.NoError(t, err)
	for _, thread := range threads {
		if info, err := os.Stat(thread); err == nil && os.SameFile(info, netns) {
			count++
		}
	}
	return count
}

// None is lost, and everyone gets the answer to his own question.
func TestThousandsAskAtOnce(t *testing.T) {
	notrace.Check(t)
	const clients, each = 100, 40
	shop := newNetwork(t, "shop")
	for i := range clients {
		shop.join(t, fmt.Sprintf("%064x", i), fmt.Sprintf("web-%d", i), fmt.Sprintf("10.118.1.%d", i))
	}
	// The address is in the name: x-7.example.org is 10.0.0.7.
	world := newUpstream(t, "127.0.0.53:53", func(query dnsmessage.Message, tcp bool) []byte {
		var i int
		_, _ = fmt.Sscanf(query.Questions[0].Name.String(), "x-%d.", &i)
		return says(fmt.Sprintf("10.0.%d.%d", i/256, i%256))(query, tcp)
	})
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop), Upstream: []Server{world.Server}})
	conns := make([]net.Conn, clients)
	for i := range conns {
		conns[i] = c.dial(t, "udp", "127.0.0.11:53")
	}
	var all sync.WaitGroup
	for i, conn := range conns {
		all.Go(func() {
			want := map[uint16][4]byte{}
			for j := range each {
				name, address := fmt.Sprintf("web-%d.", i), [4]byte{10, 118, 1, byte(i)}
				if j%2 == 0 {
					number := i*each + j
					name, address = fmt.Sprintf("x-%d.example.org.", number), [4]byte{10, 0, byte(number / 256), byte(number)}
				}
				message := queryFor(name, dnsmessage.TypeA)
				setID(message, uint16(j))
				want[uint16(j)] = address
				_, err := conn.Write(message)
				require.NoError(t, err)
			}
			buffer := make([]byte, 512)
			for range each {
				n, err := conn.Read(buffer)
				require.NoError(t, err)
				m := unpacked(t, buffer[:n])
				require.Len(t, m.Answers, 1, m.RCode)
				require.Equal(t, want[m.ID], m.Answers[0].Body.(*dnsmessage.AResource).A)
				delete(want, m.ID)
			}
		})
	}
	all.Wait()
}

// A program that asks and asks while the servers are silent: there is an end to
// what is kept for it, and its neighbours' names are still told.
func TestWhoAsksTooMuchWaitsAndIsThenRefused(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	asked := make(chan bool, maxAsking)
	silent := newUpstream(t, "127.0.0.53:53", func(dnsmessage.Message, bool) []byte {
		select {
		case asked <- true:
		default: // the next server is asked: the same one
		}
		return nil
	})
	c := newContainer(t)
	goroutines := runtime.NumGoroutine()
	r := c.serve(t, Config{Networks: on(shop), Upstream: []Server{silent.Server, silent.Server, silent.Server}})
	conn := c.dial(t, "udp", "127.0.0.11:53")
	query := queryFor("example.org.", dnsmessage.TypeA)
	for range 2 * maxAsking {
		_, err := conn.Write(query)
		require.NoError(t, err)
	}
	for range maxAsking {
		<-asked
	}
	require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "web"))
	require.Len(t, r.asking, maxAsking, "the others wait")
	for len(r.waiting) < maxWaiting {
		r.waiting <- struct{}{} // as if so many did
	}
	require.Equal(t, "REFUSED", c.dig(t, "example.org"))
	require.Equal(t, "REFUSED", c.dig(t, "+tcp", "example.org"))
	require.Equal(t, "600 IN A 10.118.0.7", c.dig(t, "web"))
	require.NoError(t, r.Close())
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+1, "none is left; CloseLasting may be")
}

func TestWhoWaitedForHisTurnGetsIt(t *testing.T) {
	notrace.Check(t)
	world := newUpstream(t, "127.0.0.53:53", says("192.0.2.1"))
	c := newContainer(t)
	r := c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{world.Server}})
	for range maxAsking {
		r.asking <- struct{}{}
	}
	conn := c.dial(t, "udp", "127.0.0.11:53")
	query := queryFor("example.org.", dnsmessage.TypeA)
	require.Equal(t, dnsmessage.RCodeRefused, unpacked(t, exchange(t, conn, query)).RCode, "its turn never came")
	<-r.asking
	require.Equal(t, "600 IN A 192.0.2.1", c.dig(t, "example.org"))
	require.EqualValues(t, 1, world.asked.Load())
}
