package engine

import (
	"errors"
	"os"
	"runtime"

	"cooper/stage04-unionfs"

	"golang.org/x/sys/unix"
)

// openMerged mounts the layers, topmost first, to be read only. A kernel that
// can't without a place in a mount table gets one that nobody else sees, and
// that ends with the thread: from then on the mount hangs on our descriptor
// alone, as a detached one does.
func openMerged(layers []string) (*os.File, error) {
	root, err := unionfs.Merge(layers)
	if errors.Is(err, unix.EINVAL) {
		return aside(func() (*os.File, error) { return mergeHere(layers) })
	}
	return root, err
}

// aside calls act on a thread that ends with it, and that may so go to another
// mount namespace.
//
// The process's first thread never ends, and what it sees is what /proc/self
// shows of us. If we happen to be on it, it stays out of the way.
func aside(act func() (*os.File, error)) (root *os.File, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			root, err = aside(act)
			runtime.UnlockOSThread()
			return
		}
		root, err = act() // never unlocked: the thread ends with the goroutine
	}()
	<-done
	return root, err
}

// mergeHere mounts the layers over the topmost of them, in a mount namespace
// that is new.
func mergeHere(layers []string) (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, &os.PathError{Op: "mount private", Path: "/", Err: err}
	}
	if err := unionfs.MergeAt(layers, layers[0]); err != nil {
		return nil, err
	}
	return os.Open(layers[0])
}
