package archive

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"cooper/stage04-unionfs"

	"golang.org/x/sys/unix"
)

// Source is what Pack packs.
type Source struct {
	Path   string // with "/" or "/." at the end it is the directory that a link there leads to
	Follow bool   // a link that the path ends with is followed
}

// resolve finds what the source is in the end.
func (s Source) resolve() (string, error) {
	if s.Follow || strings.HasSuffix(s.Path, "/") || strings.HasSuffix(s.Path, "/.") {
		return filepath.EvalSymlinks(s.Path)
	}
	return filepath.Clean(s.Path), nil
}

// Pack writes a file, or a directory with all that is in it, as a tar. The first
// entry is called name, the others begin with it. Sockets are left out: they are
// of no use without the process behind them.
func Pack(w io.Writer, s Source, name string) error {
	at, err := s.resolve()
	if err != nil {
		return err
	}
	info, err := os.Lstat(at)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(directoryOf(at, info))
	if err != nil {
		return err
	}
	defer root.Close()
	buffered := bufio.NewWriterSize(w, 64<<10)
	p := &packer{root: root, out: tar.NewWriter(buffered), names: map[inode]string{}}
	if info.IsDir() {
		err = p.everything(name)
	} else {
		err = p.entry(filepath.Base(at), name)
	}
	return errors.Join(err, p.out.Close(), buffered.Flush())
}

// PackRoot writes all that is in a directory as a tar, with names as they are
// seen from there. The directory itself has no entry.
func PackRoot(w io.Writer, root *os.Root) error {
	buffered := bufio.NewWriterSize(w, 256<<10)
	p := &packer{root: root, out: tar.NewWriter(buffered), names: map[inode]string{}}
	err := p.walk(func(at string) error {
		if at == "." {
			return nil
		}
		return p.entry(at, at)
	})
	return errors.Join(err, p.out.Close(), buffered.Flush())
}

// directoryOf is the directory that is packed, or the one that a file is in.
func directoryOf(at string, info fs.FileInfo) string {
	if info.IsDir() {
		return at
	}
	return filepath.Dir(at)
}

// inode tells files apart whatever their names.
type inode struct{ device, number uint64 }

func inodeOf(info fs.FileInfo) inode {
	stat := info.Sys().(*syscall.Stat_t)
	return inode{uint64(stat.Dev), stat.Ino}
}

// A packer writes one tar.
type packer struct {
	root  *os.Root
	out   *tar.Writer
	names map[inode]string // of files with several names, the one that was written first
}

// everything writes the root and all below it, in the order of names.
func (p *packer) everything(name string) error {
	return p.walk(func(at string) error { return p.entry(at, path.Join(name, at)) })
}

// walk goes to all that is in the root. What is removed meanwhile is passed
// over: whoever packs a container that runs doesn't stop it for that.
func (p *packer) walk(visit func(at string) error) error {
	return fs.WalkDir(p.root.FS(), ".", func(at string, _ fs.DirEntry, err error) error {
		if err == nil {
			err = visit(at)
		}
		if errors.Is(err, fs.ErrNotExist) && at != "." {
			return nil
		}
		return err
	})
}

// entry writes what is at a path below the root. Before it has begun to write it
// may fail with fs.ErrNotExist.
func (p *packer) entry(at, name string) error {
	info, err := p.root.Lstat(at)
	if err != nil || info.Mode()&fs.ModeSocket != 0 {
		return err
	}
	if info.IsDir() {
		file, err := p.open(at, unix.O_DIRECTORY)
		if err != nil {
			return err
		}
		defer file.Close()
		return p.header(info, name+"/", "", file)
	}
	if first := p.names[inodeOf(info)]; first != "" {
		return p.out.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: first, Format: tar.FormatPAX})
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, err := p.root.Readlink(at)
		if err != nil {
			return err
		}
		return p.header(info, name, target, nil)
	}
	if info.Mode().IsRegular() {
		return p.regular(at, name)
	}
	return p.header(info, name, "", nil)
}

func (p *packer) regular(at, name string) error {
	file, err := p.open(at, unix.O_NONBLOCK)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "read", Path: at, Err: unix.ESTALE} // it was one when we looked
	}
	if err := p.header(info, name, "", file); err != nil {
		return err
	}
	if _, err := io.CopyN(p.out, file, info.Size()); err == io.EOF {
		return fmt.Errorf("read %s: it became shorter meanwhile: %w", at, io.ErrUnexpectedEOF)
	} else if err != nil {
		return err
	}
	return nil
}

// open opens what is at a path itself, and nothing that a link there leads to.
func (p *packer) open(at string, flags int) (*os.File, error) {
	return p.root.OpenFile(at, os.O_RDONLY|unix.O_NOFOLLOW|flags, 0)
}

// header begins an entry, and notes the name of what may have more of them. An
// open file has attributes besides.
func (p *packer) header(info fs.FileInfo, name, target string, file *os.File) error {
	h, err := tar.FileInfoHeader(nameless{info}, target)
	if err != nil {
		return err
	}
	h.Name = name
	h.Format = tar.FormatPAX // whole times, long names, large ids
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	if file != nil {
		if h.PAXRecords, err = unionfs.Attributes(int(file.Fd())); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if !info.IsDir() && info.Sys().(*syscall.Stat_t).Nlink > 1 {
		p.names[inodeOf(info)] = name
	}
	return p.out.WriteHeader(h)
}

// nameless keeps package tar from looking names up in a passwd file, which may
// be the container's.
type nameless struct{ fs.FileInfo }

func (nameless) Uname() (string, error) { return "", nil }
func (nameless) Gname() (string, error) { return "", nil }
