package engine

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"

	"cooper/stage04-unionfs"
	"cooper/stage05-images"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// copyUp fills an empty volume with what the image has at the place where it
// will be mounted, so that a database finds its first files there. A volume
// with something in it stays as it is.
//
// The copy is a layer: Diff writes the directory as a tar, Apply unpacks it,
// with owners, modes, links and attributes.
func (e *Engine) copyUp(ctx context.Context, img *images.Image, place, volume string) error {
	lock, err := state.Lock(volume) // two containers may be the first at once
	if err != nil {
		return err
	}
	defer lock.Close()
	entries, err := os.ReadDir(volume)
	if err != nil || len(entries) > 0 {
		return err
	}
	layers := e.store.LayerDirs(img)
	if len(layers) == 0 {
		return nil
	}
	return e.merged(layers, func(root *os.File) error {
		// A symlink on the way leads where it would lead in the container.
		fd, err := unix.Openat2(int(root.Fd()), "."+place, &unix.OpenHow{
			Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT,
		})
		if err == unix.ENOENT || err == unix.ENOTDIR {
			return nil // the image has nothing there
		}
		if err != nil {
			return &os.PathError{Op: "openat2", Path: place, Err: err}
		}
		defer unix.Close(fd)
		return copyTree(ctx, "/proc/thread-self/fd/"+strconv.Itoa(fd), volume)
	})
}

func copyTree(ctx context.Context, from, to string) error {
	read, write := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := unionfs.Apply(ctx, to, read)
		read.CloseWithError(err)
		done <- err
	}()
	err := unionfs.Diff(write, from)
	write.CloseWithError(err)
	return errors.Join(err, <-done)
}

// merged shows use the layers as one tree. The mount is a detached one (see
// fsmount(2)): it has no place in any mount table, only our descriptor leads to
// it, and with that it is gone, after a kill -9 as well.
func (e *Engine) merged(layers []string, use func(root *os.File) error) error {
	root, err := openMerged(layers)
	if err != nil {
		return err
	}
	defer root.Close()
	return use(root)
}
