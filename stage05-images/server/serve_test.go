package server

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestListenRefusesToBeExposed(t *testing.T) {
	for _, address := range []string{":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:5000"} {
		_, err := Listen(address, false)
		require.ErrorIs(t, err, ErrExposed, address)
	}
	for _, address := range []string{"127.0.0.1", "127.0.0.1:99999", "nowhere.invalid:1", ""} {
		_, err := Listen(address, true)
		require.ErrorContains(t, err, "such as 127.0.0.1:5000", address)
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "[::1]:0", "127.1.2.3:0"} {
		listener, err := Listen(address, false)
		require.NoError(t, err, address)
		require.True(t, listener.Addr().(*net.TCPAddr).IP.IsLoopback())
		listener.Close()
	}
	listener, err := Listen("0.0.0.0:0", true)
	require.NoError(t, err)
	require.Regexp(t, `^0\.0\.0\.0:`, listener.Addr().String())
	listener.Close()
}
