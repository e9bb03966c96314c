package rootfs

import (
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestCapabilityFlagsMakeASet(t *testing.T) {
	defaults := []string{"CAP_CHOWN", "CAP_KILL"}
	held := []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN", "CAP_NET_RAW"}
	for _, c := range []struct {
		what      string
		add, drop []string
		want      []string
	}{
		{"nothing asked for", nil, nil, defaults},
		{"one more", []string{"NET_RAW"}, nil, []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"}},
		{"with prefix and in lower case", []string{"cap_net_raw"}, []string{"chown"}, []string{"CAP_KILL", "CAP_NET_RAW"}},
		{"all dropped", nil, []string{"ALL"}, nil},
		{"all dropped but one", []string{"KILL"}, []string{"all"}, []string{"CAP_KILL"}},
		{"all that the engine holds", []string{"ALL"}, nil, held},
		{"all but one", []string{"ALL"}, []string{"NET_RAW"}, []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"}},
		{"given twice", []string{"NET_RAW", "NET_RAW"}, nil, []string{"CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"}},
		{"dropped what isn't there", nil, []string{"NET_RAW"}, defaults},
		{"dropped and added", []string{"KILL"}, []string{"KILL"}, defaults},
	} {
		t.Run(c.what, func(t *testing.T) {
			got, err := AdjustCapabilities(defaults, held, c.add, c.drop)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestUnknownAndUnavailableCapabilitiesAreRefused(t *testing.T) {
	held := []string{"CAP_CHOWN"}
	for _, name := range []string{"", "FOO", "CAP_", "CAP_CAP_CHOWN", "CHOWN,KILL", "NET ADMIN"} {
		_, err := AdjustCapabilities(nil, held, []string{name}, nil)
		require.ErrorContains(t, err, "unknown capability", name)
		_, err = AdjustCapabilities(nil, held, nil, []string{name})
		require.ErrorContains(t, err, "unknown capability", name)
	}
	_, err := AdjustCapabilities(nil, held, []string{"SYS_ADMIN"}, nil)
	require.EqualError(t, err, "--cap-add CAP_SYS_ADMIN: the engine itself doesn't have it")
}

func TestCapabilityNumbersAreTheKernels(t *testing.T) {
	for name, number := range map[string]int{
		"CAP_CHOWN": unix.CAP_CHOWN, "CAP_SETPCAP": unix.CAP_SETPCAP, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
		"CAP_MKNOD": unix.CAP_MKNOD, "CAP_SETFCAP": unix.CAP_SETFCAP, "CAP_CHECKPOINT_RESTORE": unix.CAP_CHECKPOINT_RESTORE,
	} {
		require.Equal(t, name, capabilityNames[number])
	}
	require.Len(t, capabilityNames, unix.CAP_LAST_CAP+1)
	set, err := parseCapabilities(DefaultCapabilities())
	require.NoError(t, err)
	require.Equal(t, capabilitySet(0x800405fb), set, "Podman's default mask")
	require.Equal(t, DefaultCapabilities(), sorted(set.names()))
}
