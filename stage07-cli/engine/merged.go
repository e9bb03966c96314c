package engine

import (
	"errors"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// openMerged mounts the layers, topmost first, to be read only.
func openMerged(layers []string) (*os.File, error) {
	if len(layers) == 1 { // overlayfs wants two, and one is merged already
		return os.Open(layers[0])
	}
	root, err := mergeDetached(layers)
	if errors.Is(err, unix.EINVAL) { // a kernel before 6.7 doesn't know lowerdir+
		return mergeAside(layers)
	}
	return root, err
}

// mergeDetached hands each layer over as a parameter of its own, so that no
// character in a path can mean another.
func mergeDetached(layers []string) (*os.File, error) {
	context, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(context)
	for _, layer := range layers {
		if err := unix.FsconfigSetString(context, "lowerdir+", layer); err != nil {
			return nil, &os.PathError{Op: "fsconfig", Path: layer, Err: err}
		}
	}
	if err := unix.FsconfigCreate(context); err != nil {
		return nil, os.NewSyscallError("fsconfig", err)
	}
	mount, err := unix.Fsmount(context, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY)
	if err != nil {
		return nil, os.NewSyscallError("fsmount", err)
	}
	return os.NewFile(uintptr(mount), "merged layers"), nil
}

// mergeAside does the same with mount(2), which wants a place in a mount table.
// It gets one that nobody else sees, and that ends with the thread: from then
// on the mount hangs on our descriptor alone, as a detached one does.
func mergeAside(layers []string) (*os.File, error) {
	return aside(func() (*os.File, error) { return mergeHere(layers) })
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
// that is new. The directories go by their descriptors' names, which are
// short, since all must fit into a page, and have no colon.
func mergeHere(layers []string) (*os.File, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, os.NewSyscallError("unshare", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, &os.PathError{Op: "mount private", Path: "/", Err: err}
	}
	var names []string
	for _, layer := range layers {
		dir, err := os.Open(layer)
		if err != nil {
			return nil, err
		}
		defer dir.Close()
		names = append(names, "/proc/self/fd/"+strconv.Itoa(int(dir.Fd())))
	}
	if err := unix.Mount("overlay", layers[0], "overlay", unix.MS_RDONLY, "lowerdir="+strings.Join(names, ":")); err != nil {
		return nil, &os.PathError{Op: "mount overlay", Path: layers[0], Err: err}
	}
	return os.Open(layers[0])
}
