package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

const (
	somePasswd = "root:x:0:0:root:/root:/bin/sh\n" +
		"# a comment\n" +
		"short:x\n" +
		"alice:x:1000:1001:Alice:/home/alice:/bin/sh\n" +
		"2000:x:0:0:looks like a number:/root:/bin/sh\n" + // CVE-2016-3697
		"wraps:x:4294967296:0::/:/bin/sh\n" + // CVE-2024-40635
		"words:x:zero:0::/:/bin/sh\n" +
		"homeless:x:1002:1002\n"
	someGroup = "root:x:0:\n" +
		"bad:x:-1:alice\n" +
		"audio:x:29:alice,bob\n" +
		"users:x:100:bob,alice\n" +
		"3000:x:7:\n"
)

func TestUsersAreLookedUpAsDockerDoes(t *testing.T) {
	for _, c := range []struct {
		user  string
		extra []string
		want  identity
	}{
		{"", nil, identity{0, 0, []int{0}, "/root"}},
		{"0", nil, identity{0, 0, []int{0}, "/root"}},
		{"root", nil, identity{0, 0, []int{0}, "/root"}},
		{"alice", nil, identity{1000, 1001, []int{29, 100, 1001}, "/home/alice"}},
		{"1000", nil, identity{1000, 1001, []int{29, 100, 1001}, "/home/alice"}},
		{"00000001000", nil, identity{1000, 1001, []int{29, 100, 1001}, "/home/alice"}},
		{"alice:audio", nil, identity{1000, 29, []int{29}, "/home/alice"}},
		{"alice:5", nil, identity{1000, 5, []int{5}, "/home/alice"}},
		{"1000:100", nil, identity{1000, 100, []int{100}, "/home/alice"}},
		{"777:audio", nil, identity{777, 29, []int{29}, "/"}},
		{"777", nil, identity{777, 0, []int{0}, "/"}},
		{"777:888", nil, identity{777, 888, []int{888}, "/"}},
		{"2000", nil, identity{2000, 0, []int{0}, "/"}}, // the number, not root who is called so
		{"1:3000", nil, identity{1, 3000, []int{3000}, "/"}},
		{"homeless", nil, identity{1002, 1002, []int{1002}, "/"}},
		{"2147483647:2147483647", nil, identity{2147483647, 2147483647, []int{2147483647}, "/"}},
		{"777", []string{"audio", "777", "29"}, identity{777, 0, []int{0, 29, 777}, "/"}},
	} {
		t.Run(c.user, func(t *testing.T) {
			got, err := lookUp(c.user, c.extra, strings.NewReader(somePasswd), strings.NewReader(someGroup))
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

// S08: none of these may become root, or anybody.
func TestBadUsersAreRefused(t *testing.T) {
	for user, reason := range map[string]string{
		"4294967296":   "uids and gids must be in range 0-2147483647",
		"4294967297":   "uids and gids must be in range 0-2147483647",
		"2147483648":   "uids and gids must be in range 0-2147483647",
		"-1":           "uids and gids must be in range 0-2147483647",
		"1000:-1":      "uids and gids must be in range 0-2147483647",
		"1:4294967296": "uids and gids must be in range 0-2147483647",
		"0x0":          "unable to find user 0x0: no matching entries in passwd file",
		"1e3":          "unable to find user 1e3",
		"+1000":        "unable to find user +1000",
		"nobody":       "unable to find user nobody",
		"short":        "unable to find user short",
		"1000:abc":     "unable to find group abc: no matching entries in group file",
		"1000:":        "bad user",
		":5":           "bad user",
		":":            "bad user",
		" 0":           "bad user",
		"0 ":           "bad user",
		"a\nb":         "bad user",
		"a:b:c":        "bad user",
		"../root":      "bad user",
		"wraps":        "bad uid or gid",
		"words":        "bad uid or gid",
	} {
		_, err := lookUp(user, nil, strings.NewReader(somePasswd), strings.NewReader(someGroup))
		require.ErrorContains(t, err, reason, "%q", user)
	}
	_, err := lookUp("0", []string{"nogroup"}, strings.NewReader(somePasswd), strings.NewReader(someGroup))
	require.ErrorContains(t, err, "unable to find group nogroup")
}

// S30: the files that a user is looked up in are the image's.
func TestHostilePasswdFilesAreRefusedOrResolvedInsideTheRoot(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "passwd")
	require.NoError(t, os.WriteFile(outside, []byte("eve:x:0:0::/:\n"), 0o644))
	for _, c := range []struct {
		what   string
		make   func(t *testing.T, root string) error
		reason string
	}{
		{"no file at all", func(*testing.T, string) error { return nil }, "unable to find user eve"},
		{"a link out of the root", func(_ *testing.T, root string) error { return os.Symlink(outside, root+"/etc/passwd") }, "unable to find user eve"},
		{"a relative link out of the root", func(_ *testing.T, root string) error {
			return os.Symlink("../../../../../../../../.."+outside, root+"/etc/passwd")
		}, "unable to find user eve"},
		{"a fifo", func(_ *testing.T, root string) error { return unix.Mkfifo(root+"/etc/passwd", 0o644) }, "it is not a regular file"},
		{"a directory", func(_ *testing.T, root string) error { return os.Mkdir(root+"/etc/passwd", 0o755) }, "it is not a regular file"},
		{"a huge file", func(_ *testing.T, root string) error {
			if err := os.WriteFile(root+"/etc/passwd", []byte("eve:x:0:0::/:\n"), 0o644); err != nil {
				return err
			}
			return os.Truncate(root+"/etc/passwd", maxDatabase+1)
		}, "longer than 1048576 bytes"},
		{"a magic link", func(t *testing.T, root string) error {
			return os.Symlink("/proc/self/fd/0", root+"/etc/passwd")
		}, "unable to find user eve"},
	} {
		t.Run(c.what, func(t *testing.T) {
			dir := t.TempDir()
			require.NoError(t, os.Mkdir(dir+"/etc", 0o755))
			require.NoError(t, c.make(t, dir))
			root, err := openAbsolute(dir, unix.O_PATH|unix.O_DIRECTORY)
			require.NoError(t, err)
			defer root.Close()
			_, err = lookUpIn(root, "eve", nil)
			require.ErrorContains(t, err, c.reason)
		})
	}
}
