package network

import (
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// R23 and S54.
func TestABusyPortIsAnErrorBeforeAnythingIsMade(t *testing.T) {
	for _, protocol := range []string{TCP, UDP} {
		taken, err := ParsePort("127.0.0.1:0:80/" + protocol)
		require.NoError(t, err)
		first, err := Listen(taken)
		require.NoError(t, err)
		busy := first.Ports()[0]
		require.NotZero(t, busy.HostPort)

		free := Port{ContainerPort: 81, Protocol: protocol}
		_, err = Listen([]Port{free, busy})
		require.ErrorIs(t, err, unix.EADDRINUSE)
		require.ErrorContains(t, err, fmt.Sprintf("publish 127.0.0.1:%d:80/%s", busy.HostPort, protocol))
		everywhere := busy
		everywhere.HostIP = free.HostIP
		_, err = Listen([]Port{everywhere})
		require.ErrorIs(t, err, unix.EADDRINUSE, "every address has this one among them")

		require.NoError(t, first.Close())
		again, err := Listen([]Port{busy})
		require.NoError(t, err, "free again")
		require.NoError(t, again.Close())
	}
}

func TestOneOfFiftyGetsThePort(t *testing.T) {
	probe, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ports := []Port{{HostPort: uint16(probe.Addr().(*net.TCPAddr).Port), ContainerPort: 80, Protocol: TCP}}
	require.NoError(t, probe.Close())
	var lock sync.Mutex
	var winners []*Proxy
	together(make([]*Spec, 50), func(int) {
		proxy, err := Listen(ports)
		lock.Lock()
		defer lock.Unlock()
		if err != nil {
			require.ErrorIs(t, err, unix.EADDRINUSE)
			return
		}
		winners = append(winners, proxy)
	})
	require.Len(t, winners, 1)
	require.NoError(t, winners[0].Close())
}

func TestTCPAndUDPShareANumber(t *testing.T) {
	proxy, err := Listen([]Port{{ContainerPort: 53, Protocol: TCP}})
	require.NoError(t, err)
	defer proxy.Close()
	same := proxy.Ports()[0]
	same.Protocol = UDP
	other, err := Listen([]Port{same})
	require.NoError(t, err)
	require.NoError(t, other.Close())
}
