package rootfs

import (
	"os"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// S02, S05, S06, S07: a command that joins later gets no more than the first.
func TestAJoiningCommandIsConfinedToo(t *testing.T) {
	notrace.Check(t)
	first := box(t)
	first.Mounts = append(first.Mounts, loader()...)
	pid := stay(t, first)

	old := unix.Umask(0o077)
	defer unix.Umask(old)
	join := func(change func(*Spec), script string) *Spec {
		s := joining(first, pid, "sh", "-c", script)
		change(s)
		return s
	}
	require.Equal(t, "0\n/\n0022\n/root", says(t, join(func(*Spec) {}, "id -u; pwd; umask; echo $HOME")))
	require.Equal(t, "CapInh: 0000000000000000 CapPrm: 00000000800405fb CapEff: 00000000800405fb CapBnd: 00000000800405fb CapAmb: 0000000000000000 ",
		says(t, join(func(*Spec) {}, readCapabilities)))
	require.Equal(t, "1000 29 100 1000\n/home/alice\nNoNewPrivs:\t1", says(t, join(func(s *Spec) {
		s.User, s.Cwd, s.NoNewPrivileges = "alice", "/home/alice", true
	}, "echo $(id -u) $(grep ^Groups /proc/self/status | cut -f2); pwd; grep NoNew /proc/self/status")))
	for n := 3; n < 12; n++ {
		err := refused(t, join(func(s *Spec) { s.Cwd = "/proc/self/fd/" + string(rune('0'+n%10)) }, "cat /etc/hostname"))
		require.ErrorContains(t, err, "change to working directory")
	}
	require.ErrorIs(t, refused(t, join(func(s *Spec) { s.Cwd = "/not/there" }, "true")), unix.ENOENT, "exec makes no directories")
	output := says(t, join(func(s *Spec) { s.User = "0" }, "ls /proc/self/fd | tr '\\n' ' '"))
	require.Equal(t, "0 1 2 3 ", output, "3 is the directory that ls itself reads")
}

// loader makes a dynamically linked test binary (go test -race is one) start
// where its own libraries aren't. The engine itself is static.
func loader() (mounts []Mount) {
	for _, dir := range []string{"/lib", "/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			mounts = append(mounts, Mount{Type: "bind", Source: dir, Destination: dir, Options: []string{"ro"}})
		}
	}
	return mounts
}

func readAllOnce(file *os.File) string {
	buffer := make([]byte, 64)
	n, _ := file.Read(buffer)
	return strings.Clone(string(buffer[:n]))
}
