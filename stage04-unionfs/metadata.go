package unionfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// metadata is what an entry is besides its content.
type metadata struct {
	uid, gid int
	mode     uint32           // permission bits, set-user-ID, set-group-ID and sticky
	times    [2]unix.Timespec // of last access and of last modification
	xattrs   []xattr
}

// readMetadata takes an entry's metadata out of its header.
func readMetadata(h *tar.Header) (metadata, error) {
	if badID(h.Uid) || badID(h.Gid) {
		return metadata{}, fmt.Errorf("owner %d:%d is no user and group", h.Uid, h.Gid)
	}
	access := h.AccessTime
	if access.IsZero() {
		access = h.ModTime
	}
	return metadata{
		uid:    h.Uid,
		gid:    h.Gid,
		mode:   uint32(h.Mode) & 0o7777,
		times:  [2]unix.Timespec{timespec(access), timespec(h.ModTime)},
		xattrs: readXattrs(h.PAXRecords),
	}, nil
}

// badID reports whether chown would take an id for something else: to chown(2)
// the largest 32-bit number, -1, means "leave the owner as it is", which here
// is root.
func badID(id int) bool { return id < 0 || id >= math.MaxUint32 }

// timespec keeps a time before 1970 whole: nanoseconds count upward there too.
func timespec(t time.Time) unix.Timespec {
	return unix.Timespec{Sec: t.Unix(), Nsec: int64(t.Nanosecond())}
}

// set gives an open file or directory its owner, attributes and mode, in this
// order: a change of owner clears the set-user-ID bit and the file
// capabilities. See chown(2).
func (m metadata) set(fd int) error {
	if err := unix.Fchown(fd, m.uid, m.gid); err != nil {
		return m.explainOwner("fchown", err)
	}
	if err := setXattrs(fd, m.xattrs); err != nil {
		return err
	}
	if err := unix.Fchmod(fd, m.mode); err != nil {
		return fmt.Errorf("fchmod to %#o: %w", m.mode, err)
	}
	return nil
}

// explainOwner says what to do about an owner that can't be had.
func (m metadata) explainOwner(call string, err error) error {
	switch {
	case err == unix.EINVAL:
		return fmt.Errorf("%s to %d:%d: %w (this user namespace has no such id; more of them are lent by /etc/subuid and /etc/subgid)", call, m.uid, m.gid, err)
	case err == unix.EPERM && os.Geteuid() != 0:
		return fmt.Errorf("%s to %d:%d: %w (giving files away takes root, or a user namespace in which one is root)", call, m.uid, m.gid, err)
	}
	return fmt.Errorf("%s to %d:%d: %w", call, m.uid, m.gid, err)
}

// setTimes is for after the last write.
func (m metadata) setTimes(fd int) error {
	return failed("utimensat", "", unix.UtimesNanoAt(fd, "", m.times[:], unix.AT_EMPTY_PATH))
}

// setByName is set and setTimes for what can't be opened without harm: a
// device, a fifo, a symbolic link. The kernel allows those no attributes of
// the kinds that layers carry.
func (m metadata) setByName(dir int, base string) error {
	if err := unix.Fchownat(dir, base, m.uid, m.gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return m.explainOwner("fchownat", err)
	}
	if err := m.chmodByName(dir, base); err != nil {
		return err
	}
	return failed("utimensat", base, unix.UtimesNanoAt(dir, base, m.times[:], unix.AT_SYMLINK_NOFOLLOW))
}

// chmodByName changes the mode through the name that /proc gives an O_PATH
// descriptor: fchmodat follows links, and fchmodat2 needs Linux 6.6. A
// symbolic link has no mode of its own.
func (m metadata) chmodByName(dir int, base string) error {
	fd, err := openat2(dir, base, unix.O_PATH|unix.O_NOFOLLOW, unix.RESOLVE_BENEATH)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = unix.Chmod(nameOf(fd), m.mode)
	if err == unix.ENOTSUP {
		return nil
	}
	return failed("chmod", base, err)
}

// timesToBe are a directory's. They are set when the layer is complete, since
// every file that is made in a directory changes them.
type timesToBe struct {
	at    string
	times [2]unix.Timespec
}

// setDirectoryTimes is the last act on a tree. A directory that a later entry
// replaced is passed over.
func (t *tree) setDirectoryTimes() error {
	t.settle()
	for _, d := range t.times {
		if err := t.setTimes(d); err != nil {
			return fmt.Errorf("set times of %q: %w", d.at, err)
		}
	}
	return nil
}

func (t *tree) setTimes(d timesToBe) error {
	fd, isOpen := t.open[d.at]
	if !isOpen {
		var err error
		fd, err = openat2(t.root, d.at, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, inRoot)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
			return nil
		}
		if err != nil {
			return err
		}
		defer unix.Close(fd)
	}
	return metadata{times: d.times}.setTimes(fd)
}

// metadataOf is the metadata of something that exists.
func metadataOf(stat *unix.Stat_t) metadata {
	return metadata{
		uid:   int(stat.Uid),
		gid:   int(stat.Gid),
		mode:  stat.Mode & 0o7777,
		times: [2]unix.Timespec{stat.Atim, stat.Mtim},
	}
}
