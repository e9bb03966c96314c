package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// collect removes the blobs and layers that neither the index nor a hold nor a
// container needs, and what dead pulls have left. The caller has the lock.
// Layers, which may be large, are only renamed into the trash: the lock isn't
// held while thousands of files are unlinked.
//
// An image that can't be read might need anything, so with one of these in the
// index nothing is collected.
func (s *Store) collect(index *ocispec.Index) (gone []digest.Digest, rubbish []string, err error) {
	needed, err := s.held()
	if err != nil {
		return nil, nil, err
	}
	if s.InUse != nil {
		if err := s.InUse(needed); err != nil {
			return nil, nil, err
		}
	}
	marked := map[digest.Digest]bool{}
	for _, entry := range index.Manifests {
		if err := s.mark(entry, needed, marked); err != nil {
			return nil, nil, fmt.Errorf("image %s needs to be removed or pulled first: %w", entryLabel(entry), err)
		}
	}
	if err := s.sweepBlobs(needed); err != nil {
		return nil, nil, err
	}
	for _, kind := range []string{"layers", "chains"} {
		swept, err := s.sweepLayers(kind, needed)
		if gone = append(gone, swept...); err != nil {
			return nil, nil, err
		}
	}
	if err := s.sweepSizes(needed); err != nil {
		return nil, nil, err
	}
	if err := s.sweepIngest(); err != nil {
		return nil, nil, err
	}
	trash, err := readDir(s.path("trash"))
	for _, entry := range trash {
		rubbish = append(rubbish, s.path("trash", entry.Name()))
	}
	return gone, rubbish, err
}

// mark adds everything that a descriptor leads to, whatever kind of document
// it is. What isn't there is no loss: an index lists the images of platforms
// that nobody pulled. Each document is read once: thirty indexes that list the
// next one twice lead to the last on a billion ways.
func (s *Store) mark(desc ocispec.Descriptor, needed, marked map[digest.Digest]bool) error {
	if marked[desc.Digest] {
		return nil
	}
	marked[desc.Digest], needed[desc.Digest] = true, true
	body, err := s.readBlob(desc.Digest)
	if err != nil {
		return err
	}
	var doc document
	if err := json.Unmarshal(body, &doc); err != nil {
		return err
	}
	for _, child := range doc.Manifests {
		if checkDigest(child.Digest) != nil {
			continue
		}
		_, err := os.Stat(s.blobPath(child.Digest))
		if err == nil {
			err = s.mark(child, needed, marked)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for _, layer := range doc.Layers {
		needed[layer.Digest] = true
	}
	if doc.Config == nil {
		return nil
	}
	return s.markConfig(*doc.Config, needed)
}

func (s *Store) markConfig(desc ocispec.Descriptor, needed map[digest.Digest]bool) error {
	needed[desc.Digest] = true
	if !isConfigType(desc.MediaType) {
		return nil
	}
	body, err := s.readBlob(desc.Digest)
	if err != nil {
		return err
	}
	var config Config
	if err := json.Unmarshal(body, &config); err != nil {
		return err
	}
	for _, id := range layerNames(config.RootFS.DiffIDs) {
		needed[id] = true
	}
	return nil
}

func (s *Store) sweepBlobs(needed map[digest.Digest]bool) error {
	blobs, err := readDir(s.path("blobs", "sha256"))
	if err != nil {
		return err
	}
	for _, blob := range blobs {
		if d := digest.Digest("sha256:" + blob.Name()); !needed[d] {
			if err := os.Remove(s.blobPath(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// sweepLayers moves unpacked layers into the trash: those that stand by
// themselves or those that lean, as the directory says.
func (s *Store) sweepLayers(kind string, needed map[digest.Digest]bool) ([]digest.Digest, error) {
	layers, err := readDir(s.path(kind))
	if err != nil {
		return nil, err
	}
	var gone []digest.Digest
	for _, layer := range layers {
		id := digest.Digest("sha256:" + layer.Name())
		if needed[id] {
			continue
		}
		if err := os.MkdirAll(s.path("trash"), 0o700); err != nil {
			return gone, err
		}
		if err := os.Rename(s.path(kind, layer.Name()), s.path("trash", namespaces.NewID())); err != nil {
			return gone, err
		}
		gone = append(gone, id)
	}
	return gone, nil
}

// sweepIngest removes what nobody receives any more.
func (s *Store) sweepIngest() error {
	entries, err := readDir(s.path("ingest"))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".tree") {
			continue
		}
		path := s.path("ingest", entry.Name())
		if file, dead := tryLockFile(path); dead {
			(&ingest{store: s, path: path, file: file}).abandon()
		}
	}
	return nil
}

// emptyTrash runs without the lock.
func emptyTrash(rubbish []string) error {
	for _, path := range rubbish {
		if err := unionfs.Remove(path); err != nil {
			return fmt.Errorf("remove layer: %w", err)
		}
	}
	return nil
}
