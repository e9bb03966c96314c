package resolver

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"cooper/stage01-namespaces/notrace"
)

// RFC 7766.
func TestAConnectionTakesSeveralQueries(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	world := newUpstream(t, "127.0.0.53:53", says("192.0.2.1"))
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop), Upstream: []Server{world.Server}})
	conn := c.dial(t, "tcp", "127.0.0.11:53")
	var all bytes.Buffer
	for range 100 {
		require.NoError(t, writeFramed(&all, queryFor("web.", dnsmessage.TypeA)))
		require.NoError(t, writeFramed(&all, queryFor("example.org.", dnsmessage.TypeA)))
	}
	go func() { // byte by byte where the frames are, at once where they aren't
		for range 100 {
			_, _ = conn.Write(all.Next(1))
		}
		_, _ = conn.Write(all.Bytes())
	}()
	for range 100 {
		for _, want := range []byte{10, 192} {
			message, err := readFramed(conn)
			require.NoError(t, err)
			require.Equal(t, want, unpacked(t, message).Answers[0].Body.(*dnsmessage.AResource).A[0])
		}
	}
}

func TestAnAnswerIsCutToWhatTheClientHasRoomFor(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	for i := range 100 {
		shop.join(t, fmt.Sprintf("%064x", i), fmt.Sprintf("web-%d", i), fmt.Sprintf("10.118.0.%d fd12::%d", i+2, i+2), "web")
	}
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop)})
	count := func(args ...string) int { return len(strings.Split(c.dig(t, append(args, "web")...), "\n")) }
	require.Equal(t, 25, count("+ignore", "+noedns"))
	require.Equal(t, 12, count("+ignore", "+noedns", "AAAA"))
	require.Equal(t, 25, count("+ignore", "+bufsize=100"), "less than 512 is asked of nobody")
	require.Equal(t, 50, count("+ignore", "+bufsize=1232"))
	require.Equal(t, 100, count("+ignore", "+bufsize=4096"))
	require.Equal(t, 100, count("+noedns"), "dig repeats it over TCP")

	conn := c.dial(t, "udp", "127.0.0.11:53")
	answer := exchange(t, conn, queryFor("web.", dnsmessage.TypeA))
	require.LessOrEqual(t, len(answer), plainUDP)
	require.True(t, unpacked(t, answer).Truncated)
}

func TestAClientThatSaysHalfIsLetGo(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop)})
	var greedy []net.Conn
	for range maxStreams {
		conn := c.dial(t, "tcp", "127.0.0.11:53")
		_, err := conn.Write([]byte{255, 255, 1})
		require.NoError(t, err)
		greedy = append(greedy, conn)
	}
	// One more is served when they are gone, and no sooner.
	conn := c.dial(t, "tcp", "127.0.0.11:53")
	began := time.Now()
	require.NoError(t, writeFramed(conn, queryFor("web.", dnsmessage.TypeA)))
	answer, err := readFramed(conn)
	require.NoError(t, err)
	require.Len(t, unpacked(t, answer).Answers, 1)
	require.Greater(t, time.Since(began), streamIdle/2)
	for _, conn := range greedy {
		_, err := conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	}
}

// Three servers, one after the other, are waited for longer than a client that
// says nothing.
func TestAnAnswerThatTookLongIsGiven(t *testing.T) {
	notrace.Check(t)
	require.Greater(t, maxServers*patience, streamIdle)
	end := make(chan struct{})
	silent := newUpstream(t, "127.0.0.53:53", func(dnsmessage.Message, bool) []byte { <-end; return nil }).Server
	t.Cleanup(func() { close(end) })
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{silent, silent, silent}})
	conn := c.dial(t, "tcp", "127.0.0.11:53")
	require.NoError(t, writeFramed(conn, queryFor("example.org.", dnsmessage.TypeA)))
	answer, err := readFramed(conn)
	require.NoError(t, err)
	require.Equal(t, dnsmessage.RCodeServerFailure, unpacked(t, answer).RCode)
}

// S52: as long as a message can be, and nothing but noise behind the question.
func TestAMessageOf64KiB(t *testing.T) {
	notrace.Check(t)
	world := newUpstream(t, "127.0.0.53:53", says("192.0.2.1"))
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{world.Server}})
	conn := c.dial(t, "tcp", "127.0.0.11:53")
	query := queryFor("example.org.", dnsmessage.TypeA)
	noise := append(bytes.Clone(query), make([]byte, largestTCP-len(query))...)
	binary.BigEndian.PutUint16(noise[6:], 65535) // answers, it says
	for range 10 {
		require.NoError(t, writeFramed(conn, noise))
		answer, err := readFramed(conn)
		require.NoError(t, err)
		require.Equal(t, dnsmessage.RCodeFormatError, unpacked(t, answer).RCode)
		require.Less(t, len(answer), plainUDP)
	}
	require.Zero(t, world.asked.Load())

	require.NoError(t, writeFramed(conn, query))
	answer, err := readFramed(conn)
	require.NoError(t, err)
	require.Len(t, unpacked(t, answer).Answers, 1)
}
