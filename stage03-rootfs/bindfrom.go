package rootfs

import (
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// copyFrom copies a mount of another container. That is how containers share
// one /dev/shm, which is no directory of the host's.
//
// The kernel copies a mount only for those who are in its mount namespace
// (others get EINVAL from open_tree(2)), so a thread of ours goes there. It has
// to leave the directories that it shares with the other threads, and it never
// comes back: the thread ends with its goroutine. The copy is detached, and we
// may put it where we like.
func copyFrom(namespace, source string, options mountOptions) (mount *os.File, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked
		if err = joinMounts(namespace); err == nil {
			mount, err = copyHere(source, options)
		}
	}()
	<-done
	return mount, err
}

// joinMounts takes the calling thread into a mount namespace. Its root and its
// working directory are that namespace's then; see setns(2).
func joinMounts(namespace string) error {
	file, err := os.Open(namespace)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return os.NewSyscallError("unshare CLONE_FS", err)
	}
	return os.NewSyscallError("setns CLONE_NEWNS", unix.Setns(int(file.Fd()), unix.CLONE_NEWNS))
}

// copyHere copies the mount at a path in the other container. What is at that
// path is that container's doing, so it is resolved as in our own root.
func copyHere(source string, options mountOptions) (*os.File, error) {
	root, err := openAbsolute("/", unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := openInRoot(root, source, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return openTree(file, options.recursion())
}
