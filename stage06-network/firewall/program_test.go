package firewall

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A program runs until the test ends, if it isn't stopped before.
type program struct {
	*exec.Cmd
	lines chan string // what it prints
	said  strings.Builder
}

func start(t testing.TB, name string, arguments ...string) *program {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	p := &program{Cmd: exec.Command(name, arguments...), lines: make(chan string, 1000)}
	p.Stdout, p.Stderr = write, write
	p.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.Start())
	write.Close()
	go func() {
		defer read.Close()
		defer close(p.lines)
		for printed := bufio.NewScanner(read); printed.Scan(); {
			select {
			case p.lines <- printed.Text():
			default: // nobody waits for it to say anything
			}
		}
	}()
	t.Cleanup(func() { p.stop(t) })
	return p
}

// says waits until it has printed this.
func (p *program) says(t testing.TB, words string) {
	for line := range p.lines {
		p.said.WriteString(line + "\n")
		if strings.Contains(line, words) {
			return
		}
	}
	require.Fail(t, "it ended without saying "+words, "%s\n%s", p.Path, &p.said)
}

func (p *program) stop(t testing.TB) {
	if p.ProcessState != nil {
		return
	}
	require.NoError(t, p.Process.Signal(syscall.SIGTERM))
	_ = p.Wait() // however it calls an end by a signal
	for range p.lines {
	}
}

// private gives the test process a directory of its own in place of one of the
// machine's, with a copy of what is in that or empty, while the test runs.
func private(t testing.TB, dir string, filled bool) {
	own := t.TempDir()
	if filled {
		run(t, "cp -a "+dir+"/. "+own)
	}
	require.NoError(t, unix.Mount(own, dir, "", unix.MS_BIND, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
}
