package engine

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"cooper/stage07-cli/archive"

	"golang.org/x/sys/unix"
)

// Export writes a container's root as a tar: the image's files as the container
// has changed them, and nothing of its mounts.
func (e *Engine) Export(ctx context.Context, name string, w io.Writer) error {
	c, lock, err := e.claimWhole(name)
	if err != nil {
		return err
	}
	defer lock.Close()
	spec, err := c.spec()
	if err != nil {
		return err
	}
	namespace, err := c.openNamespace("mnt")
	if err != nil {
		return err
	}
	var root *os.File
	if namespace != nil {
		root, err = aside(func() (*os.File, error) { return cloneRoot(namespace) })
		namespace.Close()
		lock.Close() // what we hold outlives the container
	} else {
		root, err = openMerged(append([]string{filepath.Join(c.dir, "upper")}, spec.Lower...))
	}
	if err != nil {
		return fmt.Errorf("open root of container %s: %w", c.name(), err)
	}
	defer root.Close()
	dir, err := os.OpenRoot(fmt.Sprintf("/proc/self/fd/%d", root.Fd()))
	if err != nil {
		return err
	}
	defer dir.Close()
	return archive.PackRoot(contextWriter{ctx, w}, dir)
}

// cloneRoot returns what is mounted as the root in a mount namespace, without
// what is mounted in it. The kernel lets only those clone a mount who are in its
// namespace (open_tree(2)), so the calling thread goes there, and has to end
// there. Overlayfs is asked through the mount that the container uses: a second
// one over the same upper directory may miss what is written meanwhile.
func cloneRoot(namespace *os.File) (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // setns(2) asks for it
		return nil, os.NewSyscallError("unshare", err)
	}
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNS); err != nil {
		return nil, os.NewSyscallError("setns", err)
	}
	fd, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("open_tree", err)
	}
	return os.NewFile(uintptr(fd), "root"), nil
}

// contextWriter ends with its context.
type contextWriter struct {
	ctx context.Context
	to  io.Writer
}

func (w contextWriter) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.to.Write(p)
}
