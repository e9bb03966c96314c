package registrytest

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// Line is a bad line to a registry: its first connections break when they have
// carried so many bytes, in either direction.
type Line struct {
	Host string

	address string
	most    int64        // bytes that a bad connection carries
	breaks  atomic.Int32 // how many are still to break
	carried atomic.Int64
}

// StartLine runs a line to an address, until the test ends.
func StartLine(t testing.TB, address string, breaks int32, most int64) *Line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &Line{Host: listener.Addr().String(), address: address, most: most}
	l.breaks.Store(breaks)
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { l.connect(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		all.Wait()
	})
	return l
}

// Carried returns the bytes of all connections in both directions.
func (l *Line) Carried() int64 { return l.carried.Load() }

func (l *Line) connect(client net.Conn) {
	defer client.Close()
	registry, err := net.Dial("tcp", l.address)
	if err != nil {
		return
	}
	defer registry.Close()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{registry, client}, {client, registry}} {
		both.Go(func() {
			l.carry(way[0], way[1])
			// Both ends hear of it at once: neither waits for the other.
			client.Close()
			registry.Close()
		})
	}
	both.Wait()
}

// carry copies until one side ends, or until the line breaks.
func (l *Line) carry(to io.Writer, from io.Reader) {
	buffer := make([]byte, 16<<10)
	for carried := int64(0); ; {
		n, err := from.Read(buffer)
		if written, wrong := to.Write(buffer[:n]); wrong == nil {
			carried += int64(written)
			l.carried.Add(int64(written))
		}
		if err != nil || carried >= l.most && l.breaks.Add(-1) >= 0 {
			return
		}
	}
}
