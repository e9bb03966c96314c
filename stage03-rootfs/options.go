package rootfs

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// mountOptions are the options of mount(8), sorted by whom they are for.
type mountOptions struct {
	attributes uint64   // for the mount: MOUNT_ATTR_RDONLY and the like
	changed    uint64   // which of them were spoken of
	data       []string // for the filesystem: "size=64m", "newinstance"

	recursive   bool // of a bind: what is mounted below the source comes along
	readonlyTop bool // of a bind: read-only for the first mount alone
}

// attributes is the kernel's bit for each word, and which bits the word
// decides. The three ways to keep access times exclude one another.
var attributes = map[string]struct{ bits, decides uint64 }{
	"ro": {unix.MOUNT_ATTR_RDONLY, unix.MOUNT_ATTR_RDONLY}, "rw": {0, unix.MOUNT_ATTR_RDONLY},
	"nosuid": {unix.MOUNT_ATTR_NOSUID, unix.MOUNT_ATTR_NOSUID}, "suid": {0, unix.MOUNT_ATTR_NOSUID},
	"nodev": {unix.MOUNT_ATTR_NODEV, unix.MOUNT_ATTR_NODEV}, "dev": {0, unix.MOUNT_ATTR_NODEV},
	"noexec": {unix.MOUNT_ATTR_NOEXEC, unix.MOUNT_ATTR_NOEXEC}, "exec": {0, unix.MOUNT_ATTR_NOEXEC},
	"noatime":     {unix.MOUNT_ATTR_NOATIME, unix.MOUNT_ATTR__ATIME},
	"relatime":    {unix.MOUNT_ATTR_RELATIME, unix.MOUNT_ATTR__ATIME},
	"strictatime": {unix.MOUNT_ATTR_STRICTATIME, unix.MOUNT_ATTR__ATIME},
	"nodiratime":  {unix.MOUNT_ATTR_NODIRATIME, unix.MOUNT_ATTR_NODIRATIME}, "diratime": {0, unix.MOUNT_ATTR_NODIRATIME},
	"nosymfollow": {unix.MOUNT_ATTR_NOSYMFOLLOW, unix.MOUNT_ATTR_NOSYMFOLLOW}, "symfollow": {0, unix.MOUNT_ATTR_NOSYMFOLLOW},
}

// parseOptions sorts a list of options. Of two that contradict each other the
// later one counts.
func parseOptions(options []string) (mountOptions, error) {
	parsed := mountOptions{recursive: true}
	for _, option := range options {
		if attribute, known := attributes[option]; known {
			parsed.attributes = parsed.attributes&^attribute.decides | attribute.bits
			parsed.changed |= attribute.decides
			continue
		}
		switch option {
		case "", "defaults", "private", "rprivate", "nocopy":
			// Private is what every mount here is, and more than that would be
			// a hole: see namespaces/private_mounts. What is copied into a new
			// volume, the engine has seen to before.
		case "shared", "rshared", "slave", "rslave", "unbindable", "runbindable":
			return parsed, fmt.Errorf("mount option %q: mounts of a container are private; leave the option out", option)
		case "rbind", "bind-recursive=enabled", "bind-recursive=readonly":
			parsed.recursive = true
		case "bind", "bind-recursive=disabled":
			parsed.recursive = false
		case "bind-recursive=writable":
			parsed.readonlyTop = true
		case "rro":
			parsed.attributes |= unix.MOUNT_ATTR_RDONLY
			parsed.changed |= unix.MOUNT_ATTR_RDONLY
		default:
			if strings.ContainsAny(option, "\x00\n") {
				return parsed, fmt.Errorf("mount option %q: control character", option)
			}
			parsed.data = append(parsed.data, option)
		}
	}
	return parsed, nil
}
