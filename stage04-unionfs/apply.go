package unionfs

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// ErrNotEmpty is the cause when a layer is to be applied to a directory that
// holds something: what came from where could not be told any more.
var ErrNotEmpty = errors.New("the directory isn't empty: a layer needs one of its own")

// Applier unpacks layers. The zero value allows nothing: set the Limits.
type Applier struct {
	Limits Limits

	// Lower are the directories of the layers below this one, topmost first.
	// They are only read, and only needed for what a Leaning is about.
	Lower []string
}

// Apply unpacks an uncompressed layer into dir, which overlayfs can then take
// as a lower directory. It is Applier.Apply with DefaultLimits and no lower
// layers.
func Apply(ctx context.Context, dir string, layer io.Reader) error {
	_, err := Applier{Limits: DefaultLimits()}.Apply(ctx, dir, layer)
	return err
}

// Apply unpacks an uncompressed layer into dir, which must be empty; a missing
// dir is made in its parent. When it fails, dir is empty again.
//
// Nothing outside dir is written, changed or linked to, whatever the layer
// says, and layer is read to its end, so that a caller who hashes on the way
// has hashed all of it. What the layer leaves to those below it is told, whether
// they are known here or not. Nothing is flushed to the disk: one syncfs(2) for a
// whole image costs less than an fsync for each file.
//
// It needs root, for owners and devices, or a user namespace in which the
// caller is root: then all owners must be ids that are mapped there, devices
// are refused, and overlayfs's marks are those of a mount in such a namespace.
func (a Applier) Apply(ctx context.Context, dir string, layer io.Reader) (Leaning, error) {
	root, err := ownDirectory(dir)
	if err != nil {
		return Leaning{}, fmt.Errorf("apply layer: %w", err)
	}
	defer unix.Close(root)
	leaning, err := a.unpack(ctx, root, layer)
	if err != nil {
		return Leaning{}, errors.Join(fmt.Errorf("apply layer: %w", err), emptyDir(root))
	}
	return leaning, nil
}

func (a Applier) unpack(ctx context.Context, root int, layer io.Reader) (leaning Leaning, err error) {
	below, err := openLayers(a.Lower)
	if err != nil {
		return leaning, err
	}
	defer below.close()
	w := writer{
		tree:   newTree(root, below),
		ctx:    ctx,
		buffer: make([]byte, 256<<10),
	}
	w.limits = a.Limits
	defer w.forget()
	capped := &cappedReader{from: layer, left: a.Limits.Bytes}
	if err := w.entries(tar.NewReader(capped)); err != nil {
		return leaning, err
	}
	if leaning, err = w.lean(); err != nil {
		return leaning, err
	}
	if err := w.setDirectoryTimes(); err != nil {
		return leaning, err
	}
	_, err = io.CopyBuffer(io.Discard, capped, w.buffer)
	return leaning, err
}

// A writer writes a layer's entries into its tree.
type writer struct {
	*tree
	ctx    context.Context
	buffer []byte
	links  bool // a hard link has brought a file up from below
}

// entries writes the archive's entries in its order.
func (w *writer) entries(archive *tar.Reader) error {
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if err := w.ctx.Err(); err != nil {
			return err
		}
		if err := w.entry(h, archive); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
	}
}

// entry writes what one header stands for.
func (w *writer) entry(h *tar.Header, body io.Reader) error {
	w.settle()
	if err := w.limits.takeEntry(); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // words to all entries, such as git's commit; none concern us
	}
	location, err := locate(h.Name)
	if err != nil {
		return err
	}
	means, at, err := read(location)
	if err != nil {
		return err
	}
	switch means {
	case leftover:
		return nil
	case whiteout:
		return w.hide(at)
	case opaque:
		return w.hideBelow(at)
	}
	m, err := readMetadata(h)
	if err != nil {
		return err
	}
	return w.file(h, at, m, body)
}

// hide notes that a name of the layers below is gone. What this same layer has
// under that name stays; a directory of this layer then starts afresh.
func (w *writer) hide(at string) error {
	dir, base, err := w.parent(at)
	if err != nil {
		return err
	}
	err = unix.Mknodat(dir, base, unix.S_IFCHR, 0)
	if err != unix.EEXIST {
		return failed("mknodat", base, err)
	}
	there, err := fstatat(dir, base)
	if err != nil || !isDir(&there) {
		return err
	}
	delete(w.implied, at) // a new directory, which looks like none below
	return w.hideBelow(at)
}

// hideBelow notes that only this layer's part of a directory counts.
func (w *writer) hideBelow(at string) error {
	fd, err := w.directory(at)
	if err != nil {
		return err
	}
	return makeOpaque(fd)
}
