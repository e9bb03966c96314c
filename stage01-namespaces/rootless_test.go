package namespaces

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// S16
func TestRootInAUserNamespaceOwnsFilesAsTheHostsUser(t *testing.T) {
	notrace.Check(t)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o777))
	s := everything("sh", "-c", `cat /proc/self/uid_map; touch "$0/root" "$0/other"; chown 7:8 "$0/other"; chown 65536 "$0/root" 2>&1`, dir)
	s.Namespaces = append(s.Namespaces, Namespace{Kind: User})
	s.UIDMappings = []IDMapping{{0, 100000, 65536}}
	s.GIDMappings = []IDMapping{{0, 200000, 65536}}
	output, _ := run(t, s)
	require.Regexp(t, `^ +0 +100000 +65536\n`, output, "the host's root is nobody in there")
	require.Contains(t, output, "Invalid argument", "an id that isn't mapped can't own anything")
	for name, want := range map[string][2]uint32{"root": {100000, 200000}, "other": {100007, 200008}} {
		var stat unix.Stat_t
		require.NoError(t, unix.Stat(filepath.Join(dir, name), &stat))
		require.Equal(t, want, [2]uint32{stat.Uid, stat.Gid}, name)
	}
}

// S16
func TestOurGroupsDoNotComeAlongIntoAUserNamespace(t *testing.T) {
	notrace.Check(t)
	before, err := unix.Getgroups()
	require.NoError(t, err)
	require.NoError(t, syscall.Setgroups([]int{4, 24}))
	defer func() { require.NoError(t, syscall.Setgroups(before)) }()
	s := everything("grep", "Groups", "/proc/self/status")
	s.Namespaces = append(s.Namespaces, Namespace{Kind: User})
	s.UIDMappings = []IDMapping{{0, 100000, 65536}}
	s.GIDMappings = []IDMapping{{0, 100000, 65536}}
	output, _ := run(t, s)
	require.Regexp(t, `^Groups:\s*\n$`, output)
}

// S16
func TestSubordinateIDsAreMappedWithoutRoot(t *testing.T) {
	notrace.Check(t)
	notrace.NeedTool(t, "newuidmap", "newgidmap")
	for _, c := range []struct{ ids, path, want string }{
		{"nobody:100000:65536\n", DefaultPath, `(?s)^ +0 +65534 +1\n +1 +100000 +65536\nallow\n7$`},
		{"nobody:100000:65536\n", "/nowhere", `^namespaces/map_ids: exec: "newgidmap": executable file not found in \$PATH \(ids other than one's own are mapped by this program; it is in the package uidmap, or shadow-utils\)\n`},
		{"other:100000:65536\n", DefaultPath, `^read /etc/subuid: no line for user nobody \(as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 nobody\)$`},
	} {
		lent := filepath.Join(t.TempDir(), "ids")
		require.NoError(t, os.WriteFile(lent, []byte(c.ids), 0o644))
		s := everything("/proc/self/exe", "-test.run=^TestHelperLendsIDs$")
		s.Namespaces = New(Mount, PID)
		s.Hostname = ""
		s.Env = []string{"PATH=" + c.path, "LENT_IDS=" + lent}
		output, _ := run(t, s)
		require.Regexp(t, c.want, output)
	}
}

// TestHelperLendsIDs is root in a mount namespace, and lends nobody some ids.
func TestHelperLendsIDs(t *testing.T) {
	lent := os.Getenv("LENT_IDS")
	if lent == "" {
		return
	}
	for _, name := range []string{"/etc/subuid", "/etc/subgid"} {
		require.NoError(t, unix.Mount(lent, name, "", unix.MS_BIND, ""))
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestHelperUsesLentIDs$")
	cmd.Env = append(os.Environ(), "LENT_IDS=", "USE_IDS=1")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	_ = cmd.Run() // what it says is what the test looks at
	t.Cleanup(func() { os.Exit(0) })
}

// TestHelperUsesLentIDs is nobody, who starts a container with them.
func TestHelperUsesLentIDs(t *testing.T) {
	if os.Getenv("USE_IDS") == "" {
		return
	}
	s := everything("sh", "-c", "cat /proc/self/uid_map /proc/self/setgroups; f=$(mktemp); chown 7 $f; stat -c %u $f | tr -d '\n'; rm $f")
	s.RunAsRootOf(os.Getuid(), os.Getgid())
	p := &Process{Stdout: os.Stdout, Stderr: os.Stderr}
	err := s.AddSubordinateIDs(os.Getuid())
	if err == nil {
		err = Launch(p, Outside(s, p))
	}
	if err != nil {
		fmt.Print(err)
		os.Exit(1)
	}
	_, err = p.Wait()
	require.NoError(t, err)
	os.Exit(0)
}

func TestTheHostsObstacleIsNamed(t *testing.T) {
	for _, c := range []struct{ setting, value, want string }{
		{"kernel/unprivileged_userns_clone", "0\n", "operation not permitted (this host forbids it: the sysctl kernel.unprivileged_userns_clone is 0)"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1\n", "operation not permitted (this host forbids it: the sysctl kernel.apparmor_restrict_unprivileged_userns is 1)"},
		{"user/max_user_namespaces", "0\n", "operation not permitted (this host forbids it: the sysctl user.max_user_namespaces is 0)"},
		{"user/max_user_namespaces", "10000\n", "operation not permitted"},
	} {
		sys := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(sys, filepath.Dir(c.setting)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(sys, c.setting), []byte(c.value), 0o644))
		err := obstacle(sys, unix.EPERM)
		require.EqualError(t, err, c.want)
		require.ErrorIs(t, err, unix.EPERM)
	}
}

func TestAUserNamespaceTooManyIsExplained(t *testing.T) {
	notrace.Check(t)
	// The limit is each user namespace's own: this one changes nothing outside.
	s := inUserNamespace("/proc/self/exe", "-test.run=^TestHelperForbidsUserNamespaces$")
	s.Env = append(s.Env, "FORBID=1")
	output, _ := run(t, s)
	require.Equal(t, "namespaces/clone: clone3: no space left on device (this host forbids it: the sysctl user.max_user_namespaces is 0)", output)
}

// TestHelperForbidsUserNamespaces is root of a user namespace that may have
// none within it.
func TestHelperForbidsUserNamespaces(t *testing.T) {
	if os.Getenv("FORBID") == "" {
		return
	}
	require.NoError(t, os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0))
	s := everything("true")
	s.RunAsRootOf(0, 0)
	p := &Process{}
	fmt.Print(Launch(p, Outside(s, p)))
	os.Exit(0)
}
