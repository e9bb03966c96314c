package unionfs

import (
	"archive/tar"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// header is what all kinds have in common. PAX, because it alone has room for
// long names, large ids, fractions of seconds and attributes; where none is
// needed, it is the plain ustar header.
func header(name string, kind byte, stat *unix.Stat_t, xattrs []xattr) *tar.Header {
	return &tar.Header{
		Name:       name,
		Typeflag:   kind,
		Mode:       int64(stat.Mode & 0o7777),
		Uid:        int(stat.Uid),
		Gid:        int(stat.Gid),
		ModTime:    time.Unix(stat.Mtim.Unix()),
		PAXRecords: writeXattrs(xattrs),
		Format:     tar.FormatPAX,
	}
}

// wholeHere refuses what overlayfs keeps partly in a lower layer. Our own
// mounts don't do that; an upper directory of someone else's may.
func wholeHere(fd int) error {
	for _, name := range []string{marks() + "redirect", marks() + "metacopy"} {
		_, err := unix.Fgetxattr(fd, name, nil)
		if err == nil {
			return fmt.Errorf("%w: it has the attribute %s, a part of it is in a lower directory", ErrNotDiffable, name)
		}
		if err != unix.ENODATA && err != unix.ENOTSUP {
			return failed("fgetxattr", name, err)
		}
	}
	return nil
}
