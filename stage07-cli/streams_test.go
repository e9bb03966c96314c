package cli

import (
	"bufio"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTheStreamsArriveWholeAndApart(t *testing.T) {
	h := newHost(t)
	r := h.cooper("run", "--rm", "--network", "none", "base", "sh", "-c", "echo out; echo err >&2")
	require.Equal(t, result{0, "out\n", "err\n"}, r)

	r = h.shell(`cooper run --rm --network none base sh -c 'i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done' | sha256sum; seq 0 19999 | sha256sum`)
	sums := strings.Fields(r.stdout)
	require.Equal(t, sums[0], sums[2], r.stderr)

	r = h.shell(`head -c 3000000 /dev/urandom > data; cooper run -i --rm --network none base cat < data | cmp - data`)
	require.Equal(t, result{0, "", ""}, r)
}

func TestAStandardInputThatEndsOrIsClosed(t *testing.T) {
	h := newHost(t)
	for script, want := range map[string]result{
		`echo hi | cooper run -i --rm --network none base cat`:                         {0, "hi\n", ""},
		`cooper run -i --rm --network none base cat <&-`:                               {0, "", ""},
		`cooper run -i --rm --network none base cat </dev/null`:                        {0, "", ""},
		`echo hi | cooper run --rm --network none base cat`:                            {0, "", ""},
		`echo hi | cooper run -i --rm --network none base true`:                        {0, "", ""},
		`cooper run -it --rm --network none base cat </dev/null`:                       {125, "", "cooper: standard input is no terminal: leave out -t, or -i\n"},
		`yes | cooper run -i --rm --network none base sh -c 'read x; echo $x; exit 4'`: {4, "y\n", ""},
	} {
		require.Equal(t, want, h.shell(script), script)
	}
}

func TestAReaderThatGoesAwayLeavesTheContainersStatus(t *testing.T) {
	h := newHost(t)
	r := h.shell(`cooper run --rm --network none base sh -c 'yes | head -c 300000; exit 3' | head -1; echo ${PIPESTATUS[0]}`)
	require.Equal(t, result{0, "y\n3\n", ""}, r)

	h.ok("run", "-d", "--network", "none", "--name", "web", "base", "sleep", "1000")
	r = h.shell(`cooper exec web sh -c 'yes | head -c 300000; exit 4' | head -1; echo ${PIPESTATUS[0]}`)
	require.Equal(t, result{0, "y\n4\n", ""}, r)
	require.Equal(t, "running", h.ok("inspect", "-f", "{{.State.Status}}", "web"))
}

func TestClosedDescriptorsAreNoPlaceForState(t *testing.T) {
	h := newHost(t)
	for _, script := range []string{
		`cooper run --name closed --network none base sh -c 'echo out; echo err >&2; exit 6' <&- >&- 2>&-`,
		`ulimit -n 24; cooper run --name closed --network none base sh -c 'exit 6'`,
		`mkdir gone; cd gone; rmdir ../gone; cooper run --name closed --network none base sh -c 'exit 6'`,
		`unset HOME; cooper run --name closed --network none base sh -c 'exit 6'`,
		`cooper run --name closed --network none base sh -c 'exit 6' 9</etc/passwd 10</`,
	} {
		require.Equal(t, 6, h.shell(script).code, script)
		require.Equal(t, "exited 6", h.ok("inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", "closed"))
		h.ok("rm", "closed")
	}
	r := h.shell(`ulimit -n 10; cooper run --rm --network none base true`)
	if r.code != 0 {
		require.Contains(t, r.stderr, "too many open files")
	}
}

func TestASignalReachesTheContainer(t *testing.T) {
	h := newHost(t)
	for _, c := range []struct {
		signal unix.Signal
		code   int
	}{{unix.SIGTERM, 15}, {unix.SIGINT, 2}, {unix.SIGUSR1, 10}, {unix.SIGHUP, 1}} {
		command := h.command("run", "--rm", "--network", "none", "base", "sh", "-c",
			`for n in 1 2 10 15; do trap "exit $n" $n; done; sleep 1000 & echo ready; wait`)
		output, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		_, err = bufio.NewReader(output).ReadString('\n')
		require.NoError(t, err)
		require.NoError(t, command.Process.Signal(c.signal))
		_ = command.Wait()
		require.Equal(t, c.code, command.ProcessState.ExitCode())
	}
}

func TestTheContainerOutlivesAKilledCommandLine(t *testing.T) {
	h := newHost(t)
	command := h.command("run", "-i", "--name", "web", "--network", "none", "base", "sh", "-c", "echo ready; sleep 1000")
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	_, err = bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, command.Process.Kill())
	_ = command.Wait()
	require.Equal(t, "running", h.ok("inspect", "-f", "{{.State.Status}}", "web"))
	require.Equal(t, "ready", h.ok("logs", "web"))
	h.ok("exec", "web", "true")
	h.ok("stop", "-t", "0", "web")
	require.Equal(t, "137", h.ok("wait", "web"))
}

func TestLogsFollowUntilTheEnd(t *testing.T) {
	h := newHost(t)
	h.ok("run", "-d", "--network", "none", "--name", "web", "base", "sh", "-c", "echo one; echo two >&2; echo three; sleep 0.2; echo four")
	r := h.cooper("logs", "-f", "web")
	require.Zero(t, r.code)
	require.Equal(t, "one\nthree\nfour\n", r.stdout)
	require.Contains(t, r.stderr, "two\n")
	require.Equal(t, "three\nfour", h.ok("logs", "--tail", "2", "web"))
	require.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z four$`, h.ok("logs", "-tn", "1", "web"))
	require.Empty(t, h.ok("logs", "--since", "2099-01-01T00:00:00Z", "web"))
}
