package rootfs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// loadPolicy gives a kernel that runs SELinux its first policy, and has it
// enforced. A policy can't be taken back: no machine but a throw-away one comes
// up without.
func loadPolicy(t *testing.T) {
	t.Helper()
	modules, _ := os.ReadFile("/sys/kernel/security/lsm")
	current, _ := os.ReadFile("/proc/self/attr/current")
	if !strings.Contains(string(modules), "selinux") || strings.Trim(string(current), "\x00\n ") != "kernel" {
		t.Skip("wants a kernel with SELinux and no policy; a virtual machine has one")
	}
	notrace.NeedTool(t, "secilc")
	policy := filepath.Join(t.TempDir(), "policy")
	output, err := exec.Command("secilc", "--mls", "true", "--policyvers", "33", "--output", policy,
		"--filecontext", os.DevNull, "testdata/policy.cil").CombinedOutput()
	require.NoError(t, err, "%s", output)
	binary, err := os.ReadFile(policy)
	require.NoError(t, err)

	const selinux = "/sys/fs/selinux"
	require.NoError(t, unix.Mount("selinuxfs", selinux, "selinuxfs", 0, ""))
	defer unix.Unmount(selinux, 0)
	require.NoError(t, os.WriteFile(selinux+"/load", binary, 0))
	require.NoError(t, os.WriteFile(selinux+"/enforce", []byte("1"), 0))
}

func TestTheCommandHasItsContextAndItsFilesTheirs(t *testing.T) {
	loadPolicy(t) // changes how mounts look, so it comes first
	notrace.Check(t)
	const process, file = "system_u:system_r:container_t:s0:c1,c2", "system_u:object_r:container_file_t:s0:c1,c2"

	s := box(t)
	s.Mounts = append(s.Mounts, loader()...)
	require.NoError(t, s.Secure([]string{"label=type:container_t", "label=level:s0:c1,c2"}))
	require.Equal(t, file, s.MountLabel)
	pid := stay(t, s)
	context := func(path string) string {
		value := make([]byte, 200)
		n, err := unix.Getxattr(fmt.Sprintf("/proc/%d/root%s", pid, path), "security.selinux", value)
		require.NoError(t, err, path)
		return strings.TrimRight(string(value[:n]), "\x00")
	}
	attribute, err := os.ReadFile(fmt.Sprintf("/proc/%d/attr/current", pid))
	require.NoError(t, err)
	require.Equal(t, process, strings.TrimRight(string(attribute), "\x00"))
	for _, path := range []string{"/dev/shm", "/dev/null"} {
		require.Equal(t, file, context(path), path)
	}

	joins := joining(s, pid, "cat", "/proc/self/attr/current")
	joins.SelinuxLabel = process
	require.Equal(t, process, strings.TrimRight(says(t, joins), "\x00"), "a command that joins, too")

	s = box(t, "true")
	require.NoError(t, s.Secure([]string{"label=type:forbidden_t"}))
	s.MountLabel = ""
	p := new(namespaces.Process)
	err = namespaces.Launch(p, Outside(s, p))
	require.ErrorIs(t, err, unix.EACCES, "to this one nobody may change")
	require.Equal(t, namespaces.ExitNotExecutable, namespaces.ExitCode(err))
	s.SelinuxLabel = "system_u:system_r:unheard_t:s0"
	require.ErrorContains(t, refused(t, s), "its policy has no such context")
}
