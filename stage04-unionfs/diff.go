package unionfs

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ErrNotDiffable is the cause when an upper directory holds something that no
// layer can say.
var ErrNotDiffable = errors.New("no layer can hold this")

// Diff writes what overlayfs keeps in an upper directory as an uncompressed
// layer, such that Apply makes an equal directory of it.
//
// Equal directories give equal bytes: names come in the order of their bytes,
// and no user names, inode numbers or times of access are written. Sockets are
// left out, since they are of no use without the process behind them, and so is
// what is only a place for one of the mounts. Holes are written as zeros.
func Diff(w io.Writer, upper string, mounts ...string) error {
	root, err := openRoot(upper)
	if err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	defer unix.Close(root)
	buffered := bufio.NewWriterSize(w, 256<<10)
	d := &differ{out: tar.NewWriter(buffered), names: map[inode]string{}, mounts: mounts}
	if err := d.layerRoot(root); err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	if err := walk(root, "", d.visit); err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	if err := d.out.Close(); err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("diff: %w", err)
	}
	return nil
}

// inode tells files apart whatever their names.
type inode struct{ device, number uint64 }

// A differ writes one layer.
type differ struct {
	out    *tar.Writer
	names  map[inode]string // of files with several names, the first that was met
	mounts mountPoints
}

func (d *differ) visit(f *found) error {
	if err := d.entry(f); err != nil {
		return fmt.Errorf("entry %q: %w", f.at, err)
	}
	return nil
}

// entry writes the entries that one name in the upper directory stands for.
func (d *differ) entry(f *found) error {
	if placeholder, err := d.mounts.isPlaceholder(f); placeholder || err != nil {
		return err
	}
	dir, _ := split(f.at)
	if isWhiteout(&f.stat) {
		return d.marker(dir, whiteoutPrefix+f.base)
	}
	if strings.HasPrefix(f.base, whiteoutPrefix) {
		return fmt.Errorf("%w: in a layer the name would mean a removed file", ErrNotDiffable)
	}
	switch f.stat.Mode & unix.S_IFMT {
	case unix.S_IFSOCK:
		return nil
	case unix.S_IFDIR:
		return d.directory(f)
	case unix.S_IFREG:
		return d.regular(f)
	case unix.S_IFLNK:
		return d.symlink(f)
	}
	return d.node(f)
}

// layerRoot writes an entry for the root if it isn't as Apply makes it anyway.
func (d *differ) layerRoot(root int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(root, &stat); err != nil {
		return failed("fstat", ".", err)
	}
	xattrs, err := listXattrs(root)
	if err != nil {
		return err
	}
	if stat.Mode&0o7777 != 0o755 || stat.Uid != 0 || stat.Gid != 0 || len(xattrs) > 0 {
		if err := d.out.WriteHeader(header("./", tar.TypeDir, &stat, xattrs)); err != nil {
			return err
		}
	}
	return d.opaque(root, "")
}

func (d *differ) directory(f *found) error {
	if err := wholeHere(f.fd); err != nil {
		return err
	}
	xattrs, err := listXattrs(f.fd)
	if err != nil {
		return err
	}
	if err := d.out.WriteHeader(header(f.at+"/", tar.TypeDir, &f.stat, xattrs)); err != nil {
		return err
	}
	return d.opaque(f.fd, f.at)
}

// opaque writes the marker of a directory that hides what is below it.
func (d *differ) opaque(fd int, at string) error {
	hides, err := isOpaque(fd)
	if err != nil || !hides {
		return err
	}
	return d.marker(at, opaqueMarker)
}

func (d *differ) regular(f *found) error {
	file, err := f.openFile()
	if err != nil {
		return ignoring(err, unix.ENOENT)
	}
	defer file.Close()
	if done, err := d.secondName(f); done || err != nil {
		return err
	}
	if err := wholeHere(int(file.Fd())); err != nil {
		return err
	}
	xattrs, err := listXattrs(int(file.Fd()))
	if err != nil {
		return err
	}
	h := header(f.at, tar.TypeReg, &f.stat, xattrs)
	h.Size = f.stat.Size
	if err := d.out.WriteHeader(h); err != nil {
		return err
	}
	if _, err := io.CopyN(d.out, file, h.Size); err == io.EOF {
		return fmt.Errorf("read: the file became shorter meanwhile: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return err
	}
	return nil
}

// secondName writes a hard link if the file was written under another name.
func (d *differ) secondName(f *found) (bool, error) {
	if f.stat.Nlink < 2 {
		return false, nil
	}
	file := inode{uint64(f.stat.Dev), f.stat.Ino}
	first, met := d.names[file]
	if !met {
		d.names[file] = f.at
		return false, nil
	}
	h := header(f.at, tar.TypeLink, &f.stat, nil)
	h.Linkname = first
	return true, d.out.WriteHeader(h)
}

func (d *differ) symlink(f *found) error {
	target, err := f.readlink()
	if err != nil {
		return ignoring(err, unix.ENOENT)
	}
	if done, err := d.secondName(f); done || err != nil {
		return err
	}
	h := header(f.at, tar.TypeSymlink, &f.stat, nil)
	h.Linkname = target
	return d.out.WriteHeader(h)
}

// node writes a device or a fifo.
func (d *differ) node(f *found) error {
	if done, err := d.secondName(f); done || err != nil {
		return err
	}
	kinds := map[uint32]byte{unix.S_IFIFO: tar.TypeFifo, unix.S_IFCHR: tar.TypeChar, unix.S_IFBLK: tar.TypeBlock}
	h := header(f.at, kinds[f.stat.Mode&unix.S_IFMT], &f.stat, nil)
	if h.Typeflag != tar.TypeFifo {
		h.Devmajor = int64(unix.Major(f.stat.Rdev))
		h.Devminor = int64(unix.Minor(f.stat.Rdev))
	}
	return d.out.WriteHeader(h)
}

// marker writes one of the empty files that say what is gone.
func (d *differ) marker(dir, base string) error {
	if dir != "" {
		base = dir + "/" + base
	}
	return d.out.WriteHeader(&tar.Header{Name: base, Typeflag: tar.TypeReg, Mode: 0o600, ModTime: time.Unix(0, 0), Format: tar.FormatPAX})
}
