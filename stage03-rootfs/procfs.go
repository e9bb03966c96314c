package rootfs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Writes to /proc configure the kernel, so they must reach the kernel: not a
// file that an image put at /proc/sys, nor one that somebody mounted over it
// (CVE-2025-52881). So /proc is opened once, without links, checked to be a
// procfs, and written to below that descriptor without crossing into any
// other mount.

// openProcfs opens /proc of the given root.
func openProcfs(root *os.File) (*os.File, error) {
	proc, err := openOrdinaryDir(root, "/proc")
	if err != nil {
		return nil, err
	}
	if !onProcfs(proc) {
		proc.Close()
		return nil, fmt.Errorf("open /proc: no procfs is mounted there: %w", unix.EPERM)
	}
	return proc, nil
}

func onProcfs(file *os.File) bool {
	var stat unix.Statfs_t
	return unix.Fstatfs(int(file.Fd()), &stat) == nil && stat.Type == unix.PROC_SUPER_MAGIC
}

// writeOwnProc writes to a file below the /proc that we see.
func writeOwnProc(path, value string) error {
	root, err := openAbsolute("/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	defer root.Close()
	proc, err := openProcfs(root)
	if err != nil {
		return err
	}
	defer proc.Close()
	return writeProc(proc, path, value)
}

// writeProc writes a value to a file below /proc in one write(2), which is
// what makes it one value.
func writeProc(proc *os.File, path, value string) error {
	file, err := openat2(proc, path, unix.OpenHow{
		Flags:   unix.O_WRONLY,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_MAGICLINKS,
	})
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := unix.Write(int(file.Fd()), []byte(value)); err != nil {
		return &os.PathError{Op: "write", Path: "/proc/" + path, Err: err}
	}
	return nil
}
