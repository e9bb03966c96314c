package rootfs

import (
	"os"
	"runtime"
	"syscall"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const readCapabilities = "grep ^Cap /proc/self/status | tr '\\t\\n' '  '"

// S05: nothing inheritable, nothing ambient, the rest exactly the set.
func TestCapabilitiesAreTheSetForRootAndNoneForOthers(t *testing.T) {
	notrace.Check(t)
	const none, def = "0000000000000000", "00000000800405fb"
	for _, c := range []struct {
		user string
		caps []string
		want [5]string // inheritable, permitted, effective, bounding, ambient
	}{
		{"", DefaultCapabilities(), [5]string{none, def, def, def, none}},
		{"1000", DefaultCapabilities(), [5]string{none, none, none, def, none}},
		{"alice:5", DefaultCapabilities(), [5]string{none, none, none, def, none}},
		{"", nil, [5]string{none, none, none, none, none}},
		{"", append(DefaultCapabilities(), "CAP_NET_ADMIN"), [5]string{none, "00000000800415fb", "00000000800415fb", "00000000800415fb", none}},
	} {
		s := shell(t, readCapabilities)
		s.User, s.Capabilities = c.user, c.caps
		want := "CapInh: " + c.want[0] + " CapPrm: " + c.want[1] + " CapEff: " + c.want[2] + " CapBnd: " + c.want[3] + " CapAmb: " + c.want[4] + " "
		require.Equal(t, want, says(t, s), "%q with %v", c.user, c.caps)
	}
}

func TestAnAmbientCapabilityIsKeptByAnyUserAndOnlyThat(t *testing.T) {
	notrace.Check(t)
	const bind, def = "0000000000000400", "00000000800405fb"
	for user, held := range map[string]string{"1000": bind, "": def} {
		s := shell(t, readCapabilities)
		s.User, s.AmbientCapabilities = user, []string{"CAP_NET_BIND_SERVICE"}
		require.Equal(t, "CapInh: "+bind+" CapPrm: "+held+" CapEff: "+held+" CapBnd: "+def+" CapAmb: "+bind+" ", says(t, s), user)
	}
	s := box(t, "true")
	s.AmbientCapabilities = []string{"CAP_SYS_ADMIN"}
	require.ErrorContains(t, refused(t, s), "CAP_SYS_ADMIN isn't one of the container's")
}

func TestACapabilityThatTheEngineLacksIsAnError(t *testing.T) {
	notrace.Check(t)
	held, err := HeldCapabilities()
	require.NoError(t, err)
	all, err := parseCapabilities(held)
	require.NoError(t, err)
	missing := (capabilitySet(1)<<len(capabilityNames) - 1) &^ all
	if missing == 0 {
		return // this engine has everything: there is nothing that it could lack
	}
	s := box(t, "true")
	s.Capabilities = missing.names()[:1]
	err = refused(t, s)
	require.ErrorIs(t, err, unix.EPERM)
	require.ErrorContains(t, err, "the engine itself doesn't have it")
}

// S07 and S08, from the file to the kernel.
func TestTheCommandRunsAsTheUserWithTheUsersGroupsAndHome(t *testing.T) {
	notrace.Check(t)
	for _, c := range []struct {
		user  string
		extra []string
		want  string
	}{
		{"", nil, "0 0 0 /root"},
		{"alice", nil, "1000 1000 29 100 1000 /home/alice"},
		{"1000:tty", nil, "1000 5 5 /home/alice"},
		{"4321:1234", []string{"777", "audio"}, "4321 1234 29 777 1234 /"},
		{"4321", nil, "4321 0 0 /"},
	} {
		s := shell(t, "echo $(id -u) $(id -g) $(grep ^Groups /proc/self/status | cut -f2) $HOME")
		s.User, s.AdditionalGroups = c.user, c.extra
		require.Equal(t, c.want, says(t, s), c.user)
	}
	s := shell(t, "echo $HOME")
	s.Env = append(s.Env, "HOME=/elsewhere")
	require.Equal(t, "/elsewhere", says(t, s))
}

// S07: what groups the caller is in is no business of the container's.
func TestTheCallersGroupsStayWithTheCaller(t *testing.T) {
	notrace.Check(t)
	old, err := unix.Getgroups()
	require.NoError(t, err)
	require.NoError(t, syscall.Setgroups([]int{4, 24, 27})) // of all threads, unlike unix.Setgroups
	defer func() { require.NoError(t, syscall.Setgroups(old)) }()
	for user, want := range map[string]string{"": "0", "4321": "0", "alice": "29 100 1000", "4321:7": "7"} {
		s := shell(t, "echo $(grep ^Groups /proc/self/status | cut -f2)")
		s.User = user
		require.Equal(t, want, says(t, s), user)
	}
}

// S08: a user who is called like a number.
func TestANumberIsNeverTakenForAName(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "id -u")
	require.NoError(t, os.WriteFile(s.Rootfs+"/etc/passwd", []byte("1000:x:0:0::/:/bin/sh\n"), 0o644))
	s.User = "1000"
	require.Equal(t, "1000", says(t, s))
}

// S06
func TestNoNewPrivilegesMakesSetuidProgramsHarmless(t *testing.T) {
	notrace.Check(t)
	const powerless = "must be suid to work properly" // what su says when the exec didn't make it root
	for _, forbidden := range []bool{false, true} {
		s := shell(t, "grep NoNewPrivs /proc/self/status | cut -f2; su -c id root < /dev/null || true")
		require.NoError(t, os.Chmod(s.Rootfs+"/bin/busybox", 0o755|os.ModeSetuid))
		s.User, s.NoNewPrivileges = "1000", forbidden
		if output := says(t, s); forbidden {
			require.Equal(t, "1\nsu: "+powerless, output)
		} else {
			require.Contains(t, output, "0\n")
			require.NotContains(t, output, powerless)
		}
	}
}

// S21
func TestTheCallersUmaskStaysWithTheCaller(t *testing.T) {
	notrace.Check(t)
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	s := shell(t, "umask; stat -c %a /made /made/here /v/deep /dev/null")
	s.Cwd = "/made/here"
	s.Mounts = append(s.Mounts, Mount{Type: "tmpfs", Destination: "/v/deep/tmp"})
	require.Equal(t, "0022\n755\n755\n755\n666", says(t, s))
}

func TestTheWorkingDirectoryIsMadeAndEntered(t *testing.T) {
	notrace.Check(t)
	for cwd, want := range map[string]string{
		"": "/", "/": "/", "/tmp": "/tmp", "/new/deep": "/new/deep", "/new/../tmp/./x": "/tmp/x", "/link": "/run/x",
	} {
		s := shell(t, "/bin/busybox pwd -P; pwd -P")
		require.NoError(t, os.Symlink("../run/x", s.Rootfs+"/link"))
		s.Cwd = cwd
		require.Equal(t, want+"\n"+want, says(t, s), cwd)
	}
	s := shell(t, "pwd; id -u")
	s.Cwd, s.User = "/root", "1000" // 0700: entered as root, as with Docker
	require.Equal(t, "/root\n1000", says(t, s))
}

// S02, the second lock on that door: whatever led there, a working directory
// outside the root is noticed. The thread that has one here ends with the test.
func TestAWorkingDirectoryOutsideTheRootIsNoticed(t *testing.T) {
	notrace.Check(t)
	require.NoError(t, verifyDirectory())
	jail := t.TempDir()
	noticed := make(chan error, 1)
	var escape func()
	escape = func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() { // the first thread never ends, and its root is what /proc/self shows
			ended := make(chan struct{})
			go func() { escape(); close(ended) }() // on another one, while this one waits
			<-ended
			runtime.UnlockOSThread()
			return
		}
		err := unix.Unshare(unix.CLONE_FS)
		if err == nil {
			err = unix.Chroot(jail)
		}
		if err == nil {
			err = verifyDirectory()
		}
		noticed <- err
	}
	go escape()
	require.ErrorContains(t, <-noticed, "it is outside the container's root")
}

func TestResourceLimitsAreSet(t *testing.T) {
	notrace.Check(t)
	score := 321
	s := shell(t, "ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj")
	s.Rlimits = []Rlimit{{"RLIMIT_NOFILE", 333, 444}, {"RLIMIT_CORE", 0, 0}}
	s.OOMScoreAdj = &score
	require.Equal(t, "333\n444\n0\n321", says(t, s))

	// So tight that we couldn't have done our own work under them.
	s = shell(t, "ulimit -n; ulimit -v; ulimit -f; pwd; id -u")
	s.Cwd, s.User = "/home/alice", "alice"
	s.Rlimits = []Rlimit{{"RLIMIT_NOFILE", 3, 3}, {"RLIMIT_AS", 16 << 20, 16 << 20}, {"RLIMIT_FSIZE", 512, 512}, {"RLIMIT_DATA", 4 << 20, 4 << 20}}
	require.Equal(t, "3\n16384\n1\n/home/alice\n1000", says(t, s))

	s = box(t, "true")
	s.Rlimits = []Rlimit{{"RLIMIT_NOFILE", 1, 1 << 62}}
	require.ErrorIs(t, refused(t, s), unix.EPERM)
}

func TestAnyUserCanOpenTheirOwnOutput(t *testing.T) {
	notrace.Check(t)
	s := shell(t, "echo through the name > /dev/stdout")
	s.User = "1000"
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	defer reader.Close()
	p := &namespaces.Process{Stdout: writer, Stderr: writer}
	outside := Outside(s, p)
	require.NoError(t, namespaces.Launch(p, outside))
	require.NoError(t, writer.Close())
	require.Equal(t, "through the name\n", readAll(reader))
	_, err = p.Wait()
	require.NoError(t, err)
	require.NoError(t, namespaces.Undo(outside))
	require.NoError(t, p.Close())
}
