package namespaces

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenSealed opens our own binary for re-execution in such a way that nobody
// who reaches the child's /proc/PID/exe can write to it. Otherwise a container
// could replace the engine on the host and wait for its next run: that was
// CVE-2019-5736.
//
// Opened through a read-only overlay that is mounted nowhere, the file can't
// be opened for writing, whatever capabilities the opener has; that takes a
// tenth of a millisecond. Where an overlay can't be made (without root, or for
// a binary that was deleted) a sealed copy in memory does the same for a few
// milliseconds more.
//
// A program that was executed through such a file, as the supervisor of stage 7
// is, has no other to show: there it is opened once more, and that's all.
func OpenSealed() (*os.File, error) {
	if own, err := openOwn(); err == nil {
		return own, nil
	}
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	if sealed, err := openThroughOverlay(path); err == nil {
		return sealed, nil
	}
	return copyToMemory(path)
}

// openOwn opens the file that we run from if it is sealed by now, and fails
// with EPERM if it isn't.
func openOwn() (*os.File, error) {
	const exe = "/proc/self/exe"
	fd, err := unix.Open(exe, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: exe, Err: err}
	}
	own := os.NewFile(uintptr(fd), exe)
	if !isSealed(fd) {
		own.Close()
		return nil, &os.PathError{Op: "check", Path: exe, Err: unix.EPERM}
	}
	return own, nil
}

// isSealed reports a file on a read-only overlay. A copy in memory isn't looked
// for: it would be made anew.
func isSealed(fd int) bool {
	var stat unix.Statfs_t
	err := unix.Fstatfs(fd, &stat)
	return err == nil && stat.Type == unix.OVERLAYFS_SUPER_MAGIC && stat.Flags&unix.ST_RDONLY != 0
}

// openThroughOverlay makes a detached overlay of the binary's directory and
// opens the binary there. Without an upper layer an overlay is read-only, and
// it needs two lower ones that don't lie within each other; of the second
// nothing is used.
func openThroughOverlay(path string) (*os.File, error) {
	dir, name := filepath.Split(path)
	if strings.ContainsAny(dir, `:\`) { // the kernel would take it for two directories
		return nil, &os.PathError{Op: "fsconfig", Path: path, Err: unix.EINVAL}
	}
	overlay, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(overlay)
	if err := unix.FsconfigSetString(overlay, "lowerdir", filepath.Clean(dir)+":/dev"); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	if err := unix.FsconfigCreate(overlay); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	mount, err := unix.Fsmount(overlay, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV)
	if err != nil {
		return nil, os.NewSyscallError("fsmount", err)
	}
	defer unix.Close(mount)
	fd, err := unix.Openat(mount, name, unix.O_PATH|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, &os.PathError{Op: "openat", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// copyToMemory copies the binary to a memfd and seals it against change.
func copyToMemory(name string) (*os.File, error) {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer from.Close()
	fd, err := unix.MemfdCreate(filepath.Base(name), unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL { // before Linux 6.3 there was no MFD_EXEC, and every memfd could be executed
		fd, err = unix.MemfdCreate(filepath.Base(name), unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	sealed := os.NewFile(uintptr(fd), name)
	if _, err := io.Copy(sealed, from); err != nil {
		sealed.Close()
		return nil, err
	}
	const seals = unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		sealed.Close()
		return nil, &os.PathError{Op: "fcntl", Path: name, Err: err}
	}
	return sealed, nil
}
