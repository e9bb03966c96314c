package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A container's files belong to whoever made its image, and while we start it
// another container may be renaming things in a volume that both share. So a
// path in a container is an attack until it is a descriptor. The kernel
// resolves it as if root were /: absolute links, ".." and all stay inside.
// Magic links (/proc/PID/fd/N, /proc/PID/root), which jump anywhere, are
// refused. See openat2(2).

// openat2 opens path below dir. It tries again when the kernel couldn't rule
// out that somebody renamed a directory to get us out.
func openat2(dir *os.File, path string, how unix.OpenHow) (*os.File, error) {
	how.Flags |= unix.O_CLOEXEC
	const tries = 128
	for try := 1; ; try++ {
		fd, err := unix.Openat2(int(dir.Fd()), path, &how)
		if err == nil {
			return os.NewFile(uintptr(fd), path), nil
		}
		if again := err == unix.EAGAIN || err == unix.EINTR; !again || try == tries {
			return nil, &os.PathError{Op: "openat2", Path: path, Err: err}
		}
	}
}

// openInRoot opens path as a process with that root would see it.
func openInRoot(root *os.File, path string, flags uint64) (*os.File, error) {
	return openat2(root, path, unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS})
}

// openOrdinaryDir opens a directory that must be just that, with no symbolic
// link on the way. Where /proc, /sys and /dev are mounted, an image that makes
// a link of them is up to something (CVE-2019-19921).
func openOrdinaryDir(root *os.File, path string) (*os.File, error) {
	return openat2(root, path, unix.OpenHow{
		Flags:   unix.O_PATH | unix.O_DIRECTORY | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS,
	})
}

// maxLinks is how many links to nowhere are followed, as many as the kernel
// follows links (ELOOP).
const maxLinks = 40

// makeDir opens a directory inside root and makes it, and those above it, if
// they are missing.
func makeDir(root *os.File, path string) (*os.File, error) {
	return makeInRoot(root, filepath.Clean("/"+path), mkdirat, maxLinks)
}

// makeFile opens a file inside root and makes it, empty, and the directories
// above it, if they are missing.
func makeFile(root *os.File, path string) (*os.File, error) {
	return makeInRoot(root, filepath.Clean("/"+path), createat, maxLinks)
}

// makeInRoot opens path inside root. What is missing is made: the last
// component by make, those before it as directories.
//
// A symbolic link whose target is missing, such as the /etc/resolv.conf of
// many images, is followed, and the target is made. Each piece of the walk
// stays inside root, so whatever somebody changes between two pieces can lead
// to another place in the container, and never out of it.
func makeInRoot(root *os.File, path string, make func(*os.File, string) error, links int) (*os.File, error) {
	found, err := openInRoot(root, path, unix.O_PATH)
	if !errors.Is(err, unix.ENOENT) || path == "/" {
		return found, err
	}
	parent, err := makeInRoot(root, filepath.Dir(path), mkdirat, links)
	if err != nil {
		return nil, err
	}
	defer parent.Close()
	name := filepath.Base(path)
	if err = make(parent, name); err == nil {
		return openat2(parent, name, unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH})
	}
	if !errors.Is(err, unix.EEXIST) {
		return nil, err
	}
	// It exists, yet opening it found nothing: a link to nowhere.
	if links == 0 {
		return nil, &os.PathError{Op: "resolve", Path: path, Err: unix.ELOOP}
	}
	target, err := readlinkat(parent, name)
	switch {
	case errors.Is(err, unix.EINVAL): // no link: somebody made it just now
		target = path
	case err != nil:
		return nil, err
	case !filepath.IsAbs(target):
		target = filepath.Join(filepath.Dir(path), target)
	}
	return makeInRoot(root, filepath.Clean("/"+target), make, links-1)
}

func mkdirat(dir *os.File, name string) error {
	if err := unix.Mkdirat(int(dir.Fd()), name, 0o755); err != nil {
		return &os.PathError{Op: "mkdirat", Path: name, Err: err}
	}
	return nil
}

func createat(dir *os.File, name string) error {
	const flags = unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(int(dir.Fd()), name, flags, 0o644)
	if err != nil {
		return &os.PathError{Op: "openat", Path: name, Err: err}
	}
	return unix.Close(fd)
}

func symlinkat(target string, dir *os.File, name string) error {
	if err := unix.Symlinkat(target, int(dir.Fd()), name); err != nil {
		return &os.PathError{Op: "symlinkat", Path: name, Err: err}
	}
	return nil
}

func readlinkat(dir *os.File, name string) (string, error) {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(dir.Fd()), name, buffer)
	if err != nil {
		return "", &os.PathError{Op: "readlinkat", Path: name, Err: err}
	}
	return string(buffer[:n]), nil
}

// eachEntry calls do with each name in a directory, and the directory opened
// for it: what is done by that descriptor isn't led elsewhere.
func eachEntry(dir *os.File, do func(dir *os.File, name string) error) error {
	opened, err := openat2(dir, ".", unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY})
	if err != nil {
		return err
	}
	defer opened.Close()
	names, err := opened.Readdirnames(-1)
	for _, name := range names {
		if err := do(opened, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return err
}

// openAbsolute opens a path of the host, which isn't an attack.
func openAbsolute(path string, flags int) (*os.File, error) {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// isDir tells whether an open file is a directory.
func isDir(file *os.File) (bool, error) {
	stat, err := fstat(file)
	return stat.Mode&unix.S_IFMT == unix.S_IFDIR, err
}

func fstat(file *os.File) (unix.Stat_t, error) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &stat); err != nil {
		return stat, &os.PathError{Op: "fstat", Path: file.Name(), Err: err}
	}
	return stat, nil
}
