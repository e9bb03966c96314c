package engine_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// client is another process that uses the engine, to be killed by a test:
//
//	ROOT RUN run COMMAND…   runs a container named "victim" in the foreground
func client(args []string) int {
	e, err := engine.Open(args[0], args[1])
	if err == nil {
		e.CgroupDriver = cgroups.Cgroupfs
		o := options(args[3:]...)
		o.Name = "victim"
		var s *engine.Session
		s, err = e.Run(context.Background(), o, engine.StartOptions{Attach: &engine.Streams{Out: os.Stdout, Err: os.Stderr}})
		if err == nil {
			fmt.Println("client: started")
			end, err := s.Wait()
			if err == nil {
				return end.ExitCode
			}
		}
	}
	fmt.Fprintln(os.Stderr, err)
	return 125
}

// spawnClient runs a foreground client and waits until its container has said
// its first line.
func (b *bench) spawnClient(t *testing.T, command ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, append([]string{b.root, b.run, "run"}, command...)...)
	cmd.Env = append(os.Environ(), helperCommand+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "ready" {
	}
	require.Equal(t, "ready", lines.Text())
	return cmd
}
