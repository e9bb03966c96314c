package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// deviceProbe as its argument makes the test binary a process that tries
// devices, line by line:
//
//	PATH TYPE MAJOR MINOR ACCESS  →  0, or the errno
//
// Reading and writing is asked with faccessat(2): the kernel asks the cgroup
// there as it does when opening, and no driver needs to exist.
const deviceProbe = "device-probe"

func answerDeviceProbes() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var path, kind, access string
		var major, minor uint32
		if _, err := fmt.Sscan(lines.Text(), &path, &kind, &major, &minor, &access); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(int(tryDevice(path, kind, unix.Mkdev(major, minor), access)))
	}
	os.Exit(0)
}

func tryDevice(path, kind string, number uint64, access string) (errno syscall.Errno) {
	if access == "m" {
		mode := map[string]uint32{"b": unix.S_IFBLK, "c": unix.S_IFCHR}[kind]
		err := unix.Mknod(path+".new", mode|0o600, int(number))
		if err == nil {
			err = unix.Unlink(path + ".new")
		}
		errors.As(err, &errno)
		return errno
	}
	mode := map[string]uint32{"r": unix.R_OK, "w": unix.W_OK, "rw": unix.R_OK | unix.W_OK}[access]
	errors.As(unix.Faccessat(unix.AT_FDCWD, path, mode, 0), &errno)
	return errno
}

// prober speaks to such a process.
type prober struct {
	dir       string
	questions io.Writer
	answers   *bufio.Scanner
}

// may asks whether the process may use a device, for which the node is made
// here, outside.
func (p *prober) may(t *testing.T, device devices, access deviceAccess) bool {
	t.Helper()
	path := filepath.Join(p.dir, fmt.Sprintf("%c-%d-%d", device.kind, device.major, device.minor))
	mode := map[byte]uint32{'b': unix.S_IFBLK, 'c': unix.S_IFCHR}[device.kind]
	number := unix.Mkdev(uint32(device.major), uint32(device.minor))
	if err := unix.Mknod(path, mode|0o666, int(number)); err != unix.EEXIST {
		require.NoError(t, err)
	}
	_, err := fmt.Fprintf(p.questions, "%s %c %d %d %s\n", path, device.kind, device.major, device.minor, access)
	require.NoError(t, err)
	require.True(t, p.answers.Scan(), "the process that tries devices has ended")
	switch p.answers.Text() {
	case "0":
		return true
	case fmt.Sprint(int(unix.EPERM)):
		return false
	}
	t.Fatalf("%s: %s", path, p.answers.Text())
	return false
}

// probe starts a container with rules that tries devices.
func probe(t *testing.T, s *Spec) *prober {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	s.Args = []string{self, deviceProbe}
	require.NoError(t, s.Validate())
	stdin, questions, err := os.Pipe()
	require.NoError(t, err)
	answers, stdout, err := os.Pipe()
	require.NoError(t, err)
	p := &namespaces.Process{Stdin: stdin, Stdout: stdout, Stderr: os.Stderr}
	outside := Outside(s, p)
	t.Cleanup(func() {
		require.NoError(t, namespaces.Undo(outside))
		require.NoError(t, p.Close())
		require.NoError(t, questions.Close())
		require.NoError(t, answers.Close())
	})
	require.NoError(t, namespaces.Launch(p, outside))
	require.NoError(t, stdin.Close())
	require.NoError(t, stdout.Close())
	return &prober{t.TempDir(), questions, bufio.NewScanner(answers)}
}

// accesses are those that the kernel asks for.
var accesses = []deviceAccess{1, 2, 4, 6}
