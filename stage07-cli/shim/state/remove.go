package state

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// RemoveTree removes a directory and all in it; a missing one is fine.
//
// It follows no symlink and crosses no mount: what somebody has bound below is
// unmounted, and never emptied. The container's own mounts are no matter, they
// were only ever in its own mount namespace.
func RemoveTree(path string) error {
	err := removeAt(unix.AT_FDCWD, path)
	if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EBUSY) {
		if err := detachBelow(path); err != nil {
			return err
		}
		err = removeAt(unix.AT_FDCWD, path)
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", path, err)
	}
	return nil
}

// removeAt removes name in the directory dir. openat2(2) with RESOLVE_NO_XDEV
// refuses with EXDEV to step onto another mount, a bind mount of the same file
// system too.
func removeAt(dir int, name string) error {
	err := unix.Unlinkat(dir, name, 0)
	if err == nil || err == unix.ENOENT {
		return nil
	}
	if err != unix.EISDIR && err != unix.EPERM {
		return err
	}
	// The way to the top may cross mounts, /run is one; from there on down none may.
	how := unix.OpenHow{Flags: unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC}
	if dir != unix.AT_FDCWD {
		how.Resolve = unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS
	}
	fd, err := unix.Openat2(dir, name, &how)
	if err == unix.ENOENT {
		return nil
	}
	if err != nil {
		return err
	}
	if err := removeContent(fd, name); err != nil {
		return err
	}
	if err := unix.Unlinkat(dir, name, unix.AT_REMOVEDIR); err != nil && err != unix.ENOENT {
		return err
	}
	return nil
}

func removeContent(fd int, name string) error {
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	for {
		names, err := file.Readdirnames(512)
		for _, child := range names {
			if err := removeAt(fd, child); err != nil {
				return err
			}
		}
		// Entries removed while a directory is read may hide others, so it is
		// read again until it is found empty.
		if len(names) == 0 {
			if err == io.EOF || errors.Is(err, fs.ErrNotExist) { // somebody else removed it meanwhile
				return nil
			}
			return err
		}
		if _, err := file.Seek(0, 0); err != nil {
			return err
		}
	}
}

// detachBelow unmounts what is mounted at or below path, innermost first. With
// MNT_DETACH a user of the mount keeps it until he closes his files.
func detachBelow(path string) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	points := mountPointsBelow(string(text), real)
	for _, point := range slices.Backward(points) {
		if err := unix.Unmount(point, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			return &os.PathError{Op: "umount2", Path: point, Err: err}
		}
	}
	return nil
}

// mountPointsBelow picks the mount points at or below dir, in the order in
// which they were mounted. Field 5 of /proc/PID/mountinfo is the mount point,
// with space, tab, newline and backslash as octal; see proc(5).
func mountPointsBelow(mountinfo, dir string) (points []string) {
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := unescape.Replace(fields[4])
		if point == dir || strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	return points
}
