package unionfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// ErrBadKind is the cause when an entry is nothing that a layer can hold.
var ErrBadKind = errors.New("not a kind of file for a layer")

// file makes the file that an ordinary entry stands for, at a path from the
// layer's root. Where the layer lists a name twice, the last one counts.
func (w *writer) file(h *tar.Header, at string, m metadata, body io.Reader) error {
	if at == "" {
		return w.layerRoot(h, m)
	}
	dir, base, err := w.parent(at)
	if err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		return w.listed(dir, base, at, m)
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		return w.regular(dir, base, h, m, body)
	case tar.TypeLink:
		return w.hardLink(dir, base, at, h.Linkname)
	case tar.TypeSymlink:
		return w.special(dir, base, m, func() error { return unix.Symlinkat(h.Linkname, dir, base) })
	}
	kind, device, err := nodeOf(h)
	if err != nil {
		return err
	}
	err = w.special(dir, base, m, func() error { return unix.Mknodat(dir, base, kind|0o600, device) })
	if errors.Is(err, unix.EPERM) && marks() == userMarks {
		err = fmt.Errorf("%w (a user namespace can't make devices)", err)
	}
	return err
}

// layerRoot takes only a directory's metadata: that the root is one isn't for
// an entry to change.
func (w *writer) layerRoot(h *tar.Header, m metadata) error {
	if h.Typeflag != tar.TypeDir {
		return nil
	}
	w.times = append(w.times, timesToBe{"", m.times})
	return m.set(w.root)
}

// listed makes a directory that the archive lists. If it is there already, from
// a file in it or from a marker, it keeps what is in it.
func (w *writer) listed(dir int, base, at string, m metadata) error {
	if err := w.mkdirat(dir, base, at, true); err != nil {
		return err
	}
	delete(w.implied, at)
	fd, err := w.directory(at)
	if err != nil {
		return err
	}
	w.times = append(w.times, timesToBe{at, m.times})
	return m.set(fd)
}

func (w *writer) regular(dir int, base string, h *tar.Header, m metadata, body io.Reader) error {
	if err := w.limits.takeBytes(h.Size); err != nil {
		return err
	}
	fill := w.fill
	if IsSparse(h) {
		fill = w.fillSparse
	}
	return w.newFile(dir, base, m, func(fd int) error { return fill(fd, body, h.Size) })
}

// newFile makes a regular file. The metadata come after the content: a write
// clears the set-user-ID bit and changes the times.
func (w *writer) newFile(dir int, base string, m metadata, fill func(fd int) error) error {
	fd := -1
	err := w.place(dir, base, func() (err error) {
		fd, err = unix.Openat(dir, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		return err
	})
	if err != nil {
		return failed("openat", base, err)
	}
	defer unix.Close(fd)
	if err := fill(fd); err != nil {
		return err
	}
	if err := m.set(fd); err != nil {
		return err
	}
	return m.setTimes(fd)
}

// special makes what has no content: a symbolic link, a fifo, a device.
func (w *writer) special(dir int, base string, m metadata, create func() error) error {
	if err := w.place(dir, base, create); err != nil {
		return failed("create", base, err)
	}
	return m.setByName(dir, base)
}

// place creates a name, and clears it first if something of this layer or a
// whiteout is there. Creating never opens or follows what exists, so the usual
// entry costs no look beforehand.
func (w *writer) place(dir int, base string, create func() error) error {
	err := create()
	if err != unix.EEXIST {
		return err
	}
	there, err := fstatat(dir, base)
	if err != nil {
		return err
	}
	if err := w.discard(dir, base, &there); err != nil {
		return err
	}
	return create()
}

// nodeOf returns what mknod(2) must be told.
func nodeOf(h *tar.Header) (kind uint32, device int, err error) {
	device = int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor)))
	switch h.Typeflag {
	case tar.TypeFifo:
		return unix.S_IFIFO, 0, nil
	case tar.TypeBlock:
		return unix.S_IFBLK, device, nil
	case tar.TypeChar:
		if device == 0 {
			return 0, 0, fmt.Errorf("%w: a character device 0/0 is how overlayfs hides a file", ErrBadKind)
		}
		return unix.S_IFCHR, device, nil
	}
	return 0, 0, fmt.Errorf("%w: type %q", ErrBadKind, h.Typeflag)
}
