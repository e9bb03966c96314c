package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"cooper/stage04-unionfs"

	"golang.org/x/sys/unix"
)

// Target is where Unpack puts files, and whose they become.
type Target struct {
	Dir string

	// Foreign says that the files come from somebody who isn't trusted, and that
	// nobody asked for them to stay as they were: they become ours, without
	// set-user-ID and set-group-ID bits and file capabilities, with which they
	// would run as us; and device nodes, which would be the host's, are left out.
	Foreign bool
}

// Unpack unpacks a tar into a directory, which may hold something already: files
// are replaced, and directories keep what is in them. It never gets out of the
// directory, and writes through no link. LeftOut is how many device nodes were.
//
// A directory doesn't take a file's place, nor the other way round.
func Unpack(r io.Reader, to Target) (leftOut int, err error) {
	root, err := os.OpenRoot(to.Dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	u := &unpacker{root: root, foreign: to.Foreign}
	defer u.leave()
	for entries := tar.NewReader(r); ; {
		h, err := entries.Next()
		if err == io.EOF {
			return u.leftOut, u.setDirectories()
		}
		if err != nil {
			return u.leftOut, fmt.Errorf("read tar: %w", err)
		}
		if err := u.entry(h, entries); err != nil {
			return u.leftOut, fmt.Errorf("entry %q: %w", h.Name, err)
		}
	}
}

// An unpacker is a directory while a tar is unpacked into it.
type unpacker struct {
	root    *os.Root
	foreign bool
	leftOut int

	// The directory of the last entry stays open: most are in the same one.
	dir  *os.File
	path string

	directories []*tar.Header // their metadata come last: each file made in them changes their times
}

// local makes a path below the root of an entry's name, whatever it says.
func local(name string) string { return path.Join(".", path.Clean("/"+name)) }

func (u *unpacker) entry(h *tar.Header, body io.Reader) error {
	at := local(h.Name)
	if h.Typeflag == tar.TypeXGlobalHeader || at == "." {
		return nil // words to all entries; and what the directory itself is like isn't for a tar to say
	}
	if isNode := h.Typeflag == tar.TypeChar || h.Typeflag == tar.TypeBlock; isNode && u.foreign {
		u.leftOut++
		return nil
	}
	if err := u.enter(path.Dir(at)); err != nil {
		return err
	}
	base := path.Base(at)
	exists, err := u.makeRoom(h, base)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeDir {
		if !exists {
			err = unix.Mkdirat(u.fd(), base, 0o700)
		}
		h.Name = at
		u.directories = append(u.directories, h)
		return err
	}
	return u.create(h, base, body)
}

// enter opens a directory, and makes it if the tar doesn't list it.
func (u *unpacker) enter(dir string) error {
	if u.dir != nil && u.path == dir {
		return nil
	}
	u.leave()
	file, err := u.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		if err := u.root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		file, err = u.root.Open(dir)
	}
	if err != nil {
		return err
	}
	u.dir, u.path = file, dir
	return nil
}

func (u *unpacker) leave() {
	if u.dir != nil {
		u.dir.Close()
		u.dir = nil
	}
}

func (u *unpacker) fd() int { return int(u.dir.Fd()) }

// makeRoom removes what an entry replaces. A directory stays for a directory.
func (u *unpacker) makeRoom(h *tar.Header, base string) (exists bool, err error) {
	var there unix.Stat_t
	err = unix.Fstatat(u.fd(), base, &there, unix.AT_SYMLINK_NOFOLLOW)
	if err == unix.ENOENT {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	isDir, wantsDir := there.Mode&unix.S_IFMT == unix.S_IFDIR, h.Typeflag == tar.TypeDir
	switch {
	case isDir && wantsDir:
		return true, nil
	case isDir:
		return false, errors.New("cannot overwrite directory with non-directory")
	case wantsDir:
		return false, errors.New("cannot overwrite non-directory with directory")
	}
	return false, unix.Unlinkat(u.fd(), base, 0)
}

// create makes what isn't a directory, with all that belongs to it.
func (u *unpacker) create(h *tar.Header, base string, body io.Reader) error {
	// A node's mode can't be set later: that would follow a link that took its
	// place, and a device isn't opened for it.
	mode, device := uint32(h.Mode)&0o777, int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor)))
	var err error
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		return u.regular(h, base, body)
	case tar.TypeLink:
		return u.root.Link(local(h.Linkname), path.Join(u.path, base)) // its metadata are the first name's
	case tar.TypeSymlink:
		err = unix.Symlinkat(h.Linkname, u.fd(), base)
	case tar.TypeFifo:
		err = unix.Mknodat(u.fd(), base, unix.S_IFIFO|mode, 0)
	case tar.TypeChar:
		err = unix.Mknodat(u.fd(), base, unix.S_IFCHR|mode, device)
	case tar.TypeBlock:
		err = unix.Mknodat(u.fd(), base, unix.S_IFBLK|mode, device)
	default:
		err = fmt.Errorf("a tar's type %q is no kind of file", h.Typeflag)
	}
	if err != nil {
		return err
	}
	uid, gid, _ := u.keeps(h)
	if err := unix.Fchownat(u.fd(), base, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return os.NewSyscallError("fchownat", err)
	}
	return os.NewSyscallError("utimensat", unix.UtimesNanoAt(u.fd(), base, times(h), unix.AT_SYMLINK_NOFOLLOW))
}

func (u *unpacker) regular(h *tar.Header, base string, body io.Reader) error {
	fd, err := unix.Openat(u.fd(), base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return os.NewSyscallError("openat", err)
	}
	file := os.NewFile(uintptr(fd), base)
	defer file.Close()
	if _, err := io.Copy(file, body); err != nil {
		return err
	}
	return u.describe(fd, h)
}

// setDirectories describes the directories, the inner ones first. One that a
// later entry replaced is passed over.
func (u *unpacker) setDirectories() error {
	for i := len(u.directories) - 1; i >= 0; i-- {
		h := u.directories[i]
		file, err := u.root.OpenFile(h.Name, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
		if err != nil {
			continue
		}
		err = u.describe(int(file.Fd()), h)
		if err := errors.Join(err, file.Close()); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
	}
	return nil
}

// describe gives an open file or directory all that it is besides its content.
// The order matters: a new owner clears the set-user-ID bit and the file
// capabilities, see chown(2), and writing changes the times.
func (u *unpacker) describe(fd int, h *tar.Header) error {
	uid, gid, mode := u.keeps(h)
	if err := unix.Fchown(fd, uid, gid); err != nil {
		return os.NewSyscallError("fchown", err)
	}
	if !u.foreign {
		if err := unionfs.SetAttributes(fd, h.PAXRecords); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, mode); err != nil {
		return os.NewSyscallError("fchmod", err)
	}
	return os.NewSyscallError("utimensat", unix.UtimesNanoAt(fd, "", times(h), unix.AT_EMPTY_PATH))
}

// keeps is what an entry keeps of its owner and its mode.
func (u *unpacker) keeps(h *tar.Header) (uid, gid int, mode uint32) {
	if u.foreign {
		return os.Geteuid(), os.Getegid(), uint32(h.Mode) & 0o1777
	}
	return h.Uid, h.Gid, uint32(h.Mode) & 0o7777
}

// times are those of the last access and the last change, as utimensat(2) takes
// them.
func times(h *tar.Header) []unix.Timespec {
	at := unix.Timespec{Sec: h.ModTime.Unix(), Nsec: int64(h.ModTime.Nanosecond())}
	return []unix.Timespec{at, at}
}
