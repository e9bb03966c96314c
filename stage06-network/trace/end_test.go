package trace

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// traceFor has this program trace, as a process of its own, and then end.
const traceFor = "COOPER_TEST_TRACE"

func traceAsTold() {
	var p Probe
	if err := json.Unmarshal([]byte(os.Getenv(traceFor)), &p); err != nil {
		panic(err)
	}
	report, err := Run(context.Background(), p)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(report.Sentence)
}

func process(t *testing.T, p Probe) *exec.Cmd {
	told, err := json.Marshal(p)
	require.NoError(t, err)
	command := exec.Command("/proc/self/exe")
	command.Env = append(os.Environ(), traceFor+"="+string(told))
	return command
}

func TestHowATraceEnds(t *testing.T) {
	everyLab(t, []report{
		{"killed", aKilledTraceLeavesNothing},
		{"interrupted", anInterruptedTraceLeavesNothing},
		{"without root", withoutRootItSaysSo},
		{"several at once", severalAtOnceDontSeeOneAnother},
		{"in JSON", theReportInJSON},
		{"a container that is gone", aContainerThatIsGone},
	})
}

// deaf receives one packet, and doesn't answer.
func (p *place) deaf(t *testing.T) net.PacketConn {
	var socket net.PacketConn
	p.do(func() {
		var err error
		socket, err = net.ListenPacket("udp4", ":7")
		require.NoError(t, err)
	})
	t.Cleanup(func() { socket.Close() })
	return socket
}

func aKilledTraceLeavesNothing(t *testing.T) {
	l := newLab(t)
	before := ruleset(t)
	socket := l.outside.deaf(t)
	l.outside.run(t, "ip route add default via 198.51.100.1")
	p := l.probe("198.51.100.2", 7, "udp")
	p.Timeout = time.Minute
	command := process(t, p)
	require.NoError(t, command.Start())
	_, _, err := socket.ReadFrom(make([]byte, 100)) // so the trace is on
	require.NoError(t, err)
	require.Contains(t, ruleset(t), tablePrefix)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	require.Equal(t, before, ruleset(t))
	l.web.do(func() { require.Empty(t, ruleset(t)) })
}

func anInterruptedTraceLeavesNothing(t *testing.T) {
	l := newLab(t)
	before := ruleset(t)
	socket := l.outside.deaf(t)
	ctx, interrupt := context.WithCancel(context.Background())
	go func() {
		_, _, _ = socket.ReadFrom(make([]byte, 100))
		interrupt()
	}()
	p := l.probe("198.51.100.2", 7, "udp")
	p.Timeout = time.Minute
	_, err := Run(ctx, p)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, ruleset(t))
	l.web.do(func() { require.Empty(t, ruleset(t)) })
}

func withoutRootItSaysSo(t *testing.T) {
	l := newLab(t)
	p := l.probe("198.51.100.2", 7, "tcp")
	p.NetNS = "/proc/self/ns/net"
	command := process(t, p)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := command.Output()
	require.Error(t, err)
	require.Contains(t, string(out), "which takes root")
	require.Contains(t, string(out), unix.EPERM.Error())
}

func severalAtOnceDontSeeOneAnother(t *testing.T) {
	l := newLab(t)
	nft(t, masquerade)
	l.outside.serve(t, ":7")
	before := ruleset(t)
	want := trace(t, l.probe("198.51.100.2", 7, "tcp"))
	var all sync.WaitGroup
	reports := make([]*Report, 8)
	for i := range reports {
		all.Go(func() { reports[i], _ = Run(context.Background(), l.probe("198.51.100.2", 7, "tcp")) })
	}
	all.Wait()
	for _, report := range reports {
		require.NotNil(t, report)
		require.Equal(t, Answered, report.Result)
		require.Equal(t, outline(want), outline(report))
	}
	require.Equal(t, before, ruleset(t))
}

func outline(r *Report) (hops []string) {
	for _, hop := range r.Hops {
		hops = append(hops, strings.Join([]string{string(hop.Way), hop.Where, hop.What, hop.Chain, hop.Rule, hop.Verdict}, " "))
	}
	return hops
}

func theReportInJSON(t *testing.T) {
	l := newLab(t)
	nft(t, `table inet filter { chain forward { type filter hook forward priority 0; policy drop; }; }`)
	text, err := json.Marshal(trace(t, l.probe("198.51.100.2", 7, "tcp")))
	require.NoError(t, err)
	var report struct {
		Result string
		Hops   []map[string]any
	}
	require.NoError(t, json.Unmarshal(text, &report))
	require.Equal(t, "dropped", report.Result)
	require.Equal(t, map[string]any{"way": "out", "where": "host", "what": "forward", "chain": "inet filter forward", "verdict": "policy drop", "ends": true},
		report.Hops[len(report.Hops)-1])
}

func aContainerThatIsGone(t *testing.T) {
	l := newLab(t)
	p := l.probe("198.51.100.2", 7, "tcp")
	p.NetNS = "/proc/1/no/such"
	_, err := Run(context.Background(), p)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "open the container's network")
}

// The socket has room for a few messages only, and is read too late.
func TestLostMessagesAreToldOf(t *testing.T) {
	everyLab(t, []report{{"lost", func(t *testing.T) {
		l := newLab(t)
		listener, err := listen(nil)
		require.NoError(t, err)
		defer listener.close()
		require.NoError(t, unix.SetsockoptInt(listener.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 1))
		trace(t, l.probe("198.51.100.2", 9, "tcp"))
		require.NoError(t, listener.drain())
		require.True(t, listener.lost)
		listener.events = nil

		require.NoError(t, unix.SetsockoptInt(listener.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room))
		trace(t, l.probe("198.51.100.2", 9, "tcp"))
		require.NoError(t, listener.drain())
		require.NotEmpty(t, listener.events, "and it goes on hearing")
	}}})
}
