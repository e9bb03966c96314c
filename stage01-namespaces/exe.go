package namespaces

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// openSealed opens our own binary for re-execution in such a way that nobody
// who reaches the child's /proc/PID/exe can write to it. Otherwise a container
// could replace the engine on the host and wait for its next run: that was
// CVE-2019-5736.
//
// Opened through a read-only overlay that is mounted nowhere, the file can't
// be opened for writing, whatever capabilities the opener has; that takes a
// tenth of a millisecond. Where an overlay can't be made (without root, or for
// a binary that was deleted) a sealed copy in memory does the same for a few
// milliseconds more.
func openSealed() (*os.File, error) {
	path, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	if sealed, err := openThroughOverlay(path); err == nil {
		return sealed, nil
	}
	return copyToMemory(path)
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
