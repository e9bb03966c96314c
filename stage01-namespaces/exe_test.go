package namespaces

import (
	"io"
	"os"
	"strconv"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// CVE-2019-5736: a container opened the engine's binary through
// /proc/PID/exe and overwrote it.
func TestTheReExecutedBinaryCannotBeOverwritten(t *testing.T) {
	notrace.Check(t)
	path, err := os.Readlink("/proc/self/exe")
	require.NoError(t, err)
	for name, open := range map[string]func(string) (*os.File, error){"overlay": openThroughOverlay, "memory": copyToMemory} {
		t.Run(name, func(t *testing.T) {
			sealed, err := open(path)
			require.NoError(t, err)
			defer sealed.Close()
			self, err := os.Stat("/proc/self/exe")
			require.NoError(t, err)
			copied, err := os.Stat(procPath(sealed))
			require.NoError(t, err)
			require.Equal(t, self.Size(), copied.Size())

			writable, err := os.OpenFile(procPath(sealed), os.O_WRONLY, 0)
			if err == nil { // a memfd opens, and then refuses the write
				_, err = writable.WriteAt([]byte("x"), 0)
				writable.Close()
			}
			require.Error(t, err)
			require.Error(t, os.Truncate(procPath(sealed), 0))
		})
	}
}

func TestTheChildWaitingForItsSpecRunsFromTheSealedBinary(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	p := &Process{}
	steps := Clone(s, p)
	require.NoError(t, Take(steps, nil))
	defer p.Close()
	defer func() { require.NoError(t, Undo(steps)) }()

	// It has executed our binary once it can be seen under its new name.
	name := awaitName(t, p.Pid)
	require.Equal(t, initName, name)
	file, err := os.OpenFile(procExe(p.Pid), os.O_RDWR, 0)
	if err == nil {
		file.Close()
	}
	require.ErrorIs(t, err, unix.EROFS)
}

func TestAChildWhoseParentGivesUpEnds(t *testing.T) {
	notrace.Check(t)
	s := everything("true")
	p := &Process{}
	require.NoError(t, Take(Clone(s, p), nil))
	require.NoError(t, p.spec.Close()) // end-of-file without a Spec
	p.spec = nil
	err := p.listen()
	require.EqualError(t, err, "namespaces/send_spec: the parent ended before it sent the Spec")
	_, err = p.Wait()
	require.NoError(t, err)
	require.NoError(t, p.Close())
}

func BenchmarkOpenSealed(b *testing.B) {
	for b.Loop() {
		file, err := OpenSealed()
		if err != nil {
			b.Fatal(err)
		}
		file.Close()
	}
}

func procPath(file *os.File) string { return "/proc/self/fd/" + strconv.Itoa(int(file.Fd())) }

func procExe(pid int) string { return "/proc/" + strconv.Itoa(pid) + "/exe" }

// awaitName returns argv[0] of a process once it isn't ours any more: before
// its exec the child is a copy of this test.
func awaitName(t testing.TB, pid int) string {
	t.Helper()
	for {
		file, err := os.Open("/proc/" + strconv.Itoa(pid) + "/cmdline")
		require.NoError(t, err)
		text, err := io.ReadAll(file)
		require.NoError(t, err)
		file.Close()
		if len(text) > 0 && string(text[:len(text)-1]) != os.Args[0] && len(text) < len(initName)+2 {
			return string(text[:len(text)-1])
		}
	}
}
