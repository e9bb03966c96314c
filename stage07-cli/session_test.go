package cli

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestADrainSwallowsWhatNobodyReadsAnyMore(t *testing.T) {
	gone := &drain{to: failing{&os.PathError{Op: "write", Path: "|1", Err: unix.EPIPE}}}
	for range 2 {
		n, err := gone.Write([]byte("abc"))
		require.NoError(t, err)
		require.Equal(t, 3, n)
	}
	full := &drain{to: failing{unix.ENOSPC}}
	_, err := full.Write([]byte("abc"))
	require.ErrorIs(t, err, unix.ENOSPC)
}

func TestSignalsThatMeanCooperItselfAreKept(t *testing.T) {
	list := proxied()
	require.Subset(t, list, []os.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGALRM})
	for _, s := range []os.Signal{unix.SIGCHLD, unix.SIGURG, unix.SIGWINCH, unix.SIGPIPE, unix.SIGTSTP, unix.SIGCONT, unix.SIGKILL, unix.SIGSTOP} {
		require.NotContains(t, list, s)
	}
}

func TestASignalForAContainerThatIsGoneIsNoFailure(t *testing.T) {
	received := make(chan os.Signal, 2)
	received <- unix.SIGTERM
	received <- unix.SIGUSR1
	close(received)
	var sent []unix.Signal
	forward(received, func(s unix.Signal) error {
		sent = append(sent, s)
		return errors.New("gone")
	})
	require.Equal(t, []unix.Signal{unix.SIGTERM, unix.SIGUSR1}, sent)
}
