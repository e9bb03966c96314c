package rootfs

import (
	"os"
	"path/filepath"
	"testing"

	"cooper/stage03-rootfs/seccomp"

	"github.com/stretchr/testify/require"
)

func TestAProfileIsNamedByAFileOrAWord(t *testing.T) {
	const text = `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}]}`
	file := filepath.Join(t.TempDir(), "profile.json")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	fromFile, err := LoadSeccomp(file, nil)
	require.NoError(t, err)
	_, err = seccomp.Decode(fromFile)
	require.NoError(t, err)
	inPlace, err := LoadSeccomp(text, nil)
	require.NoError(t, err)
	require.Equal(t, fromFile, inPlace)

	none, err := LoadSeccomp("unconfined", nil)
	require.NoError(t, err)
	require.Nil(t, none)
	byDefault, err := LoadSeccomp("", DefaultCapabilities())
	require.NoError(t, err)
	builtin, err := LoadSeccomp("builtin", DefaultCapabilities())
	require.NoError(t, err)
	require.Equal(t, byDefault, builtin)
	privileged, err := LoadSeccomp("", append(DefaultCapabilities(), "CAP_SYS_ADMIN"))
	require.NoError(t, err)
	require.NotEqual(t, byDefault, privileged)

	for _, wrong := range []string{"/no/such/file", "{}", "[]", `{"defaultAction": "SCMP_ACT_MAYBE"}`} {
		_, err := LoadSeccomp(wrong, nil)
		require.Error(t, err, wrong)
		t.Log(err)
	}
}

// filterFor is the default filter for the Spec's capabilities.
func filterFor(t *testing.T, s *Spec) []byte {
	t.Helper()
	filter, err := LoadSeccomp("", s.Capabilities)
	require.NoError(t, err)
	return filter
}
