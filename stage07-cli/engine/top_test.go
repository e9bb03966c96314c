package engine

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAProcessIsReadWhateverItCallsItself(t *testing.T) {
	booted := time.Unix(1000, 0)
	const rest = " S 17 42 42 34816 42 4194560 100 0 0 0 150 50 0 0 20 0 1 0 2500 1000 1 0\n"
	p, err := parseProcess([]byte("42 (a) b (c)"+rest), []byte("sleep\x001000\x00"), booted)
	require.NoError(t, err)
	require.Equal(t, ProcessInfo{PID: 42, Parent: 17, Started: time.Unix(1025, 0), Terminal: 34816, CPUTime: 2 * time.Second, Command: "sleep 1000"}, p)
	p, err = parseProcess([]byte("42 (a) b (c)"+rest), nil, booted)
	require.NoError(t, err)
	require.Equal(t, "[a) b (c]", p.Command)
	for _, bad := range []string{"", "42", "42 (x", ") (", "42 (x) S 1", "x (x)" + rest, strings.Replace("42 (x)"+rest, "150", "-1", 1)} {
		_, err := parseProcess([]byte(bad), nil, booted)
		require.Error(t, err, bad)
	}
}

func TestTheNetworksBytesAreAddedUpWithoutTheLoopback(t *testing.T) {
	const text = "Inter-|   Receive                                                |  Transmit\n" +
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n" +
		"    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0\n" +
		"  eth0:1296      16    0    0    0     0          0         0      806      11    0    0    0     0       0          0\n" +
		"  eth1: 4      16    0    0    0     0          0         0      6      11    0    0    0     0       0          0\n"
	usage, err := parseNetDev(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, NetworkUsage{ReceivedBytes: 1300, SentBytes: 812}, usage)
	_, err = parseNetDev(strings.NewReader("eth0: 1 2\n"))
	require.ErrorContains(t, err, "net/dev")
}

func TestThePercentageOfAProcessorIsThatOfTheTimeBetween(t *testing.T) {
	before := &Usage{Taken: time.Unix(10, 0)}
	after := &Usage{Taken: time.Unix(12, 0)}
	after.CPU.Usage = uint64(3 * time.Second)
	require.InDelta(t, 150, after.CPUPercent(before), 0.001)
	require.Zero(t, after.CPUPercent(after))
	require.Zero(t, before.CPUPercent(after))
	require.Zero(t, before.MemoryPercent())
}

func TestAnUpdateForgetsNoFieldAndTouchesNoOther(t *testing.T) {
	old := Limits{Memory: 1, Pids: 2, CPUSetCPUs: "0"}
	require.Equal(t, Limits{Memory: 1, Pids: 5, CPUSetCPUs: "0", CPUShares: 7}, merge(old, Limits{Pids: 5, CPUShares: 7}))
	require.Equal(t, Limits{Memory: 1, Pids: 2, CPUSetCPUs: "0"}, old)
}
