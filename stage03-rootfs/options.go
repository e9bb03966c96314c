package rootfs

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// mountOptions are the options of mount(8), sorted by whom they are for.
type mountOptions struct {
	attributes  uint64   // for the mount: MOUNT_ATTR_RDONLY and the like
	changed     uint64   // which of them were spoken of
	cleared     uint64   // of a bind: which the source's mounts lose
	propagation uint64   // MS_SHARED and the like; MS_PRIVATE unless something else was said
	data        []string // for the filesystem: "size=64m", "newinstance"

	recursive   bool // of a bind: what is mounted below the source comes along
	readonlyTop bool // of a bind: read-only for the first mount alone
	propagates  bool // the propagation is meant for what is mounted below, too
	idmap       bool // of a bind: files are seen with other owners, by the Mount's mappings
	idmapTop    bool // of a bind: those of the first mount alone

	relabel string // of a bind: "z" for a label that all containers share, "Z" for one of its own

	copyUp bool // of a tmpfs: it begins with what is in the directory that it covers
}

// recursion is the flag for system calls that may take in the mounts below.
func (o *mountOptions) recursion() uint {
	if o.recursive {
		return unix.AT_RECURSIVE
	}
	return 0
}

// attributes is the kernel's bit for each word, and which bits the word
// decides. The three ways to keep access times exclude one another.
var attributes = map[string]struct{ bits, decides uint64 }{
	"ro": {unix.MOUNT_ATTR_RDONLY, unix.MOUNT_ATTR_RDONLY}, "rw": {0, unix.MOUNT_ATTR_RDONLY},
	"nosuid": {unix.MOUNT_ATTR_NOSUID, unix.MOUNT_ATTR_NOSUID}, "suid": {0, unix.MOUNT_ATTR_NOSUID},
	"nodev": {unix.MOUNT_ATTR_NODEV, unix.MOUNT_ATTR_NODEV}, "dev": {0, unix.MOUNT_ATTR_NODEV},
	"noexec": {unix.MOUNT_ATTR_NOEXEC, unix.MOUNT_ATTR_NOEXEC}, "exec": {0, unix.MOUNT_ATTR_NOEXEC},
	"noatime":     {unix.MOUNT_ATTR_NOATIME, unix.MOUNT_ATTR__ATIME},
	"strictatime": {unix.MOUNT_ATTR_STRICTATIME, unix.MOUNT_ATTR__ATIME},
	"relatime":    {unix.MOUNT_ATTR_RELATIME, unix.MOUNT_ATTR__ATIME}, // the kernel's default, and
	"atime":       {unix.MOUNT_ATTR_RELATIME, unix.MOUNT_ATTR__ATIME}, // so the opposite of everything else
	"norelatime":  {unix.MOUNT_ATTR_RELATIME, unix.MOUNT_ATTR__ATIME}, "nostrictatime": {unix.MOUNT_ATTR_RELATIME, unix.MOUNT_ATTR__ATIME},
	"nodiratime": {unix.MOUNT_ATTR_NODIRATIME, unix.MOUNT_ATTR_NODIRATIME}, "diratime": {0, unix.MOUNT_ATTR_NODIRATIME},
	"nosymfollow": {unix.MOUNT_ATTR_NOSYMFOLLOW, unix.MOUNT_ATTR_NOSYMFOLLOW}, "symfollow": {0, unix.MOUNT_ATTR_NOSYMFOLLOW},
}

// parseOptions sorts a list of options. Of two that contradict each other the
// later one counts.
func parseOptions(options []string) (mountOptions, error) {
	parsed := mountOptions{recursive: true, propagates: true, propagation: unix.MS_PRIVATE}
	for _, option := range options {
		if parsed.attribute(option) || parsed.propagate(option) {
			continue
		}
		switch option {
		case "", "defaults", "nocopy", "notmpcopyup", "silent", "loud":
			// What is copied into a new volume, the engine has seen to before.
		case "rbind", "bind-recursive=enabled", "bind-recursive=readonly":
			parsed.recursive = true
		case "bind", "bind-recursive=disabled":
			parsed.recursive = false
		case "bind-recursive=writable":
			parsed.readonlyTop = true
		case "z", "Z":
			parsed.relabel = option
		case "tmpcopyup":
			parsed.copyUp = true
		case "idmap":
			parsed.idmap, parsed.idmapTop = true, true
		case "ridmap":
			parsed.idmap, parsed.idmapTop = true, false
		case "remount":
			return parsed, fmt.Errorf("mount option %q: every mount is new here; give it its options at once", option)
		default:
			if strings.ContainsAny(option, "\x00\n") {
				return parsed, fmt.Errorf("mount option %q: control character", option)
			}
			parsed.data = append(parsed.data, option)
		}
	}
	return parsed, nil
}

// attribute takes a word that is an attribute of the mount. With an r in front
// it is one that is said of each mount below a bind, too, as mount_setattr(2)
// has it, and then it may also take away: "rrw" makes writable what the host
// mounts read-only. Without it, flags of the source are never lost.
func (o *mountOptions) attribute(option string) bool {
	attribute, known := attributes[option]
	var cleared uint64
	if !known {
		word, recursive := strings.CutPrefix(option, "r")
		if attribute, known = attributes[word]; !known || !recursive {
			return false
		}
		cleared = attribute.decides &^ attribute.bits
	}
	o.attributes = o.attributes&^attribute.decides | attribute.bits
	o.cleared = o.cleared&^attribute.decides | cleared
	o.changed |= attribute.decides
	return true
}
