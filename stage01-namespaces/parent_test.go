package namespaces

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestALaunchThatFailsOutsideLeavesNoProcess(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	p := &Process{}
	outside := append(Clone(s, p), Step{Name: "namespaces/test", Do: func() error { return unix.EIO }})
	require.ErrorIs(t, Launch(p, outside), unix.EIO)
	require.ErrorIs(t, unix.Kill(p.Pid, 0), unix.ESRCH)
}

// The container of a parent that is killed must not run on unsupervised.
func TestKillingTheParentKillsTheCommand(t *testing.T) {
	notrace.Check(t)
	for _, outlive := range []bool{false, true} {
		reader, writer, err := os.Pipe()
		require.NoError(t, err)
		parent := exec.Command("/proc/self/exe", "-test.run=^TestHelperLaunchesAndWaits$", "-test.v")
		parent.Env = append(os.Environ(), fmt.Sprintf("OUTLIVE_PARENT=%v", outlive))
		parent.Stdout = writer
		require.NoError(t, parent.Start())
		writer.Close()
		pid := readPid(t, reader)
		pidfd, err := unix.PidfdOpen(pid, 0)
		require.NoError(t, err)
		require.NoError(t, parent.Process.Kill())
		_ = parent.Wait()

		patience := 5 * time.Second // it takes a millisecond when it works
		if outlive {
			patience = 100 * time.Millisecond
		}
		require.Equal(t, outlive, !notrace.Ends(pidfd, patience), "outlives its parent")
		_ = unix.Kill(pid, unix.SIGKILL)
		unix.Close(pidfd)
		reader.Close()
	}
}

// TestHelperLaunchesAndWaits is the parent that TestKillingTheParentKillsTheCommand kills.
func TestHelperLaunchesAndWaits(t *testing.T) {
	outlive := os.Getenv("OUTLIVE_PARENT")
	if outlive == "" {
		return
	}
	s := everything("sleep", "1000")
	s.OutliveParent = outlive == "true"
	p := &Process{}
	require.NoError(t, Launch(p, Outside(s, p)))
	fmt.Printf("pid %d\n", p.Pid)
	select {}
}

func readPid(t testing.TB, file *os.File) (pid int) {
	t.Helper()
	require.NoError(t, file.SetReadDeadline(time.Now().Add(20*time.Second)))
	var text bytes.Buffer
	buffer := make([]byte, 512)
	for {
		n, err := file.Read(buffer)
		require.NoError(t, err, text.String())
		text.Write(buffer[:n])
		if _, rest, found := strings.Cut(text.String(), "pid "); found && strings.Contains(rest, "\n") {
			_, err := fmt.Sscan(rest, &pid)
			require.NoError(t, err)
			return pid
		}
	}
}
