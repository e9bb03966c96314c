package cli

import (
	"strings"
	"testing"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

func mountsOf(flag, value string) ([]engine.Mount, error) {
	given := map[string][]string{flag: {value}}
	return parseMounts(given["v"], given["mount"], given["tmpfs"], "/here")
}

func TestAMountIsReadAsDockerWritesIt(t *testing.T) {
	tmpfs := []string{"nosuid", "nodev", "noexec"}
	for _, c := range []struct {
		flag, value string
		want        engine.Mount
	}{
		{"v", "/data", engine.Mount{Type: "volume", Destination: "/data"}},
		{"v", "db:/data", engine.Mount{Type: "volume", Source: "db", Destination: "/data"}},
		{"v", "db:/data:ro,nocopy", engine.Mount{Type: "volume", Source: "db", Destination: "/data", ReadOnly: true, NoCopy: true}},
		{"v", "/srv:/data:Z,nosuid", engine.Mount{Type: "bind", Source: "/srv", Destination: "/data", Options: []string{"Z", "nosuid"}}},
		{"v", ".:/data", engine.Mount{Type: "bind", Source: "/here", Destination: "/data"}},
		{"v", "./a:/data:rw", engine.Mount{Type: "bind", Source: "/here/a", Destination: "/data"}},
		{"v", "../a:/data", engine.Mount{Type: "bind", Source: "/a", Destination: "/data"}},
		{"mount", "type=bind,source=/srv,target=/data,readonly", engine.Mount{Type: "bind", Source: "/srv", Destination: "/data", ReadOnly: true}},
		{"mount", "src=db,dst=/data,volume-nocopy", engine.Mount{Type: "volume", Source: "db", Destination: "/data", NoCopy: true}},
		{"v", "/srv:/data:idmap=uids=0-5-1;gids=0-6-1", engine.Mount{Type: "bind", Source: "/srv", Destination: "/data", Options: []string{"ridmap"},
			UIDMappings: []namespaces.IDMapping{{HostID: 5, Size: 1}}, GIDMappings: []namespaces.IDMapping{{HostID: 6, Size: 1}}}},
		{"tmpfs", "/t:size=1m", engine.Mount{Type: "tmpfs", Destination: "/t", Options: append(tmpfs, "size=1m")}},
	} {
		t.Run(c.flag+" "+c.value, func(t *testing.T) {
			mounts, err := mountsOf(c.flag, c.value)
			require.NoError(t, err)
			require.Equal(t, []engine.Mount{c.want}, mounts)
		})
	}
}

// The words are stage 3's; that they are refused at all is ours to know.
func TestAWrongMountIsRefused(t *testing.T) {
	for flag, values := range map[string][]string{
		"v": {"", "a:b", "a:/", "/:/", "a:/x/..", "a/b:/a", "..x:/a", "-x:/a", "a\nb:/a", "a\x00:/a", "a\x1b:/a",
			strings.Repeat("a", 300) + ":/a", ":/a", "a:/b:ro:rw", "a:/b:frob", "/srv:/b:frob", "/srv:/b:remount", "a:/b\x00"},
		"mount": {"type=frob,dst=/a", "type=bind,dst=/a", "type=bind,src=a,dst=/a", "type=volume,src=a/b,dst=/a",
			"type=tmpfs,src=a,dst=/a", "type=tmpfs", "frob=1,dst=/a", ""},
		"tmpfs": {"a", "/a:frob\x00"},
	} {
		for _, value := range values {
			_, err := mountsOf(flag, value)
			require.Error(t, err, "%s %q", flag, value)
		}
	}
}
