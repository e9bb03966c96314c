package images

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage05-images/flock"
)

// Use finds an image and keeps all of it from being collected, until release is
// called or the process ends. It is for whoever makes a container: the store
// must not lose the layers before it can learn from InUse who stands on them.
func (s *Store) Use(nameOrID string) (img *Image, release func(), err error) {
	for {
		if img, err = s.Find(nameOrID); err != nil {
			return nil, nil, err
		}
		h, err := s.hold(img.digests()...)
		if err != nil {
			return nil, nil, err
		}
		// Between the look and the hold the image may have been removed, or its
		// name given to another.
		if now, err := s.Find(nameOrID); err == nil && now.ID == img.ID {
			return img, h.release, nil
		}
		h.release()
	}
}

// hold keeps blobs and layers from being collected while no image refers to
// them yet: a pull finds a layer there, counts on it, and names its image only
// minutes later.
//
// It is a file of digests, locked by the process that lives off them. A
// collector reads those that are locked and removes the others, whose process
// is dead. Both happen under the store's lock, so that what a pull found can't
// vanish between its look and its hold.
type hold struct {
	store *Store
	file  *os.File
}

// hold returns a hold on the given digests.
func (s *Store) hold(digests ...digest.Digest) (*hold, error) {
	h := &hold{store: s}
	err := s.locked(func() error {
		if err := os.MkdirAll(s.path("holds"), 0o700); err != nil {
			return err
		}
		file, err := lockFile(s.path("holds", namespaces.NewID()[:16]), flock.Lock)
		if err != nil {
			return err
		}
		h.file = file
		return h.write(digests)
	})
	if err != nil {
		h.release()
		return nil, fmt.Errorf("hold images: %w", err)
	}
	return h, nil
}

// add holds more digests.
func (h *hold) add(digests ...digest.Digest) error {
	return h.store.locked(func() error { return h.write(digests) })
}

// write begins with the end of a line: a full disk may have cut the last one off.
func (h *hold) write(digests []digest.Digest) error {
	lines := "\n"
	for _, d := range digests {
		lines += string(d) + "\n"
	}
	_, err := h.file.WriteString(lines)
	return err
}

// release lets go. The file goes before its lock does.
func (h *hold) release() {
	if h.file == nil {
		return
	}
	os.Remove(h.file.Name())
	h.file.Close()
}

// held returns every digest that a living process holds, and clears away what
// the dead have left. The caller has the store's lock.
func (s *Store) held() (map[digest.Digest]bool, error) {
	found := map[digest.Digest]bool{}
	entries, err := readDir(s.path("holds"))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		path := s.path("holds", entry.Name())
		if file, dead := tryLockFile(path); dead {
			os.Remove(path)
			file.Close()
			continue
		}
		if err := readHold(path, found); err != nil && !errors.Is(err, fs.ErrNotExist) { // released just now
			return nil, fmt.Errorf("read hold: %w", err)
		}
	}
	return found, nil
}

// readHold adds the digests of one hold. Those that can't be read are an error:
// what they hold would be collected.
func readHold(path string, found map[digest.Digest]bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		found[digest.Digest(lines.Text())] = true
	}
	return lines.Err()
}
