package images

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"cooper/stage05-images/registry"

	"golang.org/x/sys/unix"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The two files that make a directory an OCI image layout (image-spec,
// image-layout.md):
//
//	oci-layout   {"imageLayoutVersion": "1.0.0"}
//	index.json   {"schemaVersion": 2, "manifests": [
//	               {"mediaType": …, "digest": "sha256:…", "size": 561, "annotations": {
//	                  "org.opencontainers.image.ref.name": "debian:12",
//	                  "io.containerd.image.name": "docker.io/library/debian:12",
//	                  "cooper.registry.digest": "sha256:…"}}]}
//
// An entry is a name for a manifest; an image with three names has three. One
// without annotations is an image that has lost its name to a newer one.

const (
	// nameShort is what skopeo compares with NAME in oci:DIR:NAME. It is the
	// short form, as that is what people type.
	nameShort = ocispec.AnnotationRefName
	// nameFull is what containerd and BuildKit write next to it.
	nameFull = "io.containerd.image.name"
	// nameDigest is the digest that the registry gave the name: of the index,
	// for an image of several platforms.
	nameDigest = "cooper.registry.digest"
)

func (s *Store) create() error {
	for _, dir := range []string{"blobs/sha256", "layers", "chains", "ingest", "holds", "trash"} {
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			return fmt.Errorf("create image store: %w", err)
		}
	}
	spreadApart(s.path("ingest"))
	return s.locked(func() error {
		if _, err := os.Stat(s.path("index.json")); errors.Is(err, fs.ErrNotExist) {
			if err := s.writeIndex(&ocispec.Index{Manifests: []ocispec.Descriptor{}}); err != nil {
				return err
			}
		}
		// Last, since it is what says that the store is there.
		return replaceFile(s.path("oci-layout"), []byte(`{"imageLayoutVersion":"`+ocispec.ImageLayoutVersion+`"}`))
	})
}

func checkLayout(data []byte) error {
	var layout ocispec.ImageLayout
	if err := json.Unmarshal(data, &layout); err != nil {
		return fmt.Errorf("open image store: read oci-layout: %w", err)
	}
	if layout.Version != ocispec.ImageLayoutVersion {
		return fmt.Errorf("open image store: layout version %q, want %s", layout.Version, ocispec.ImageLayoutVersion)
	}
	return nil
}

// readIndex needs no lock: index.json is replaced as a whole, so a reader sees
// the old one or the new one.
func (s *Store) readIndex() (*ocispec.Index, error) {
	data, err := os.ReadFile(s.path("index.json"))
	if err != nil {
		return nil, fmt.Errorf("read image index: %w", err)
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("read image index %s: %w", s.path("index.json"), err)
	}
	return &index, nil
}

func (s *Store) writeIndex(index *ocispec.Index) error {
	index.SchemaVersion = 2
	index.MediaType = registry.OCIIndex
	data, err := json.Marshal(index)
	if err != nil {
		return err
	}
	err = replaceFile(s.path("index.json"), data)
	if errors.Is(err, unix.ENOSPC) && os.Remove(s.path("spare")) == nil {
		err = replaceFile(s.path("index.json"), data)
	}
	if err == nil {
		reserve(s.path("spare"), int64(len(data)))
	}
	return err
}

// reserve sees to it that a file, which nobody reads, occupies so many bytes of
// the disk. They are for the day when it is full: whoever removes an image then
// must not be told that there is no space to write a shorter index. If there is
// none for the spare either, there is nothing to be done about it.
func reserve(path string, size int64) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return
	}
	defer file.Close()
	_ = unix.Fallocate(int(file.Fd()), 0, 0, size)
}

// replaceFile replaces a file atomically and durably. Its callers hold the
// lock, so the temporary name may be a fixed one, and a crash leaves one file
// behind at the most, which the next call overwrites.
func replaceFile(path string, data []byte) error {
	temp := path + ".new"
	file, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("replace file: %w", err)
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync() // before the rename: the name must not reach the disk ahead of the bytes
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		os.Remove(temp)
		return fmt.Errorf("replace file: %w", err)
	}
	return nil
}

// syncDir makes the renames in a directory durable; see fsync(2).
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
