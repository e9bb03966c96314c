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
	received := make(chan os.Signal, 8)
	for _, s := range []os.Signal{unix.SIGCHLD, unix.SIGTERM, unix.SIGWINCH, unix.SIGURG, unix.SIGPIPE, unix.SIGTSTP, unix.SIGUSR1} {
		received <- s
	}
	close(received)
	var sent []unix.Signal
	forward(received, func(s unix.Signal) error {
		sent = append(sent, s)
		return errors.New("gone")
	})
	require.Equal(t, []unix.Signal{unix.SIGTERM, unix.SIGUSR1}, sent)
}
