package busyroot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cooper/stage03-rootfs/busyroot"

	"github.com/stretchr/testify/require"
)

func TestARootHasAShellUsersAndAWritableTmp(t *testing.T) {
	root := busyroot.New(t)

	out, err := exec.Command(filepath.Join(root, "bin/busybox"), "sh", "-c", "echo $((6*7))").Output()
	require.NoError(t, err, "the program must be static, since the root has no libraries")
	require.Equal(t, "42\n", string(out))

	target, err := os.Readlink(filepath.Join(root, "bin/sh"))
	require.NoError(t, err)
	require.Equal(t, "/bin/busybox", target)

	tmp, err := os.Stat(filepath.Join(root, "tmp"))
	require.NoError(t, err)
	require.Equal(t, os.ModeDir|os.ModeSticky|0o777, tmp.Mode())
	require.FileExists(t, filepath.Join(root, "etc/passwd"))
	require.FileExists(t, filepath.Join(root, "etc/group"))
}
