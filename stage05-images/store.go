package images

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Store keeps images in a directory:
//
//	oci-layout, index.json   an OCI image layout: skopeo and umoci read it as it is
//	blobs/sha256/HEX         manifests, configurations, layers as they travelled
//	layers/HEX/              a layer unpacked, by diffID: overlayfs's lower directory
//	chains/HEX/              one that leans on those below it, by chainID: see stack.go
//	sizes/HEX                how many bytes a layer unpacks to, by diffID
//	ingest/HEX[.tree]        what is on its way in: a blob, and the layer it unpacks to
//	holds/RANDOM             digests that a running pull counts on
//	trash/RANDOM             what is on its way out
//	spare                    room for an index when the disk is full
//	lock
//
// Whatever has its final name is whole and on the disk: content is written
// under another name, synced and renamed. Readers take no lock. Nothing but a
// change of index.json takes the lock, and never for longer than that.
type Store struct {
	dir string

	// InUse adds the layers that containers' roots stand on, by Image.LayerNames,
	// to what a collector must leave alone; they stay when their image goes. The engine
	// sets it; nil is none. When it can't tell, nothing is collected.
	InUse func(needed map[digest.Digest]bool) error
}

// ErrNotFound is the answer to a name or ID that the store doesn't have.
var ErrNotFound = errors.New("no such image")

// ErrCorrupt marks a blob in the store whose content isn't its digest's, or
// which is missing. Pulling the image again mends it.
var ErrCorrupt = errors.New("image store is damaged")

// OpenStore opens the store in a directory, which it makes if need be, private
// to its owner: layers hold setuid programs that no user of the host should
// reach. It writes nothing to a store that exists.
func OpenStore(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	s := &Store{dir: dir}
	data, err := os.ReadFile(s.path("oci-layout"))
	if errors.Is(err, fs.ErrNotExist) {
		return s, s.create()
	}
	if err != nil {
		return nil, fmt.Errorf("open image store: %w", err)
	}
	return s, checkLayout(data)
}

// Dir returns the store's directory, an absolute path.
func (s *Store) Dir() string { return s.dir }

func (s *Store) path(parts ...string) string {
	return filepath.Join(append([]string{s.dir}, parts...)...)
}

// blobPath and layerPath trust that the digest was checked.
func (s *Store) blobPath(d digest.Digest) string  { return s.path("blobs", "sha256", hexOf(d)) }
func (s *Store) layerPath(d digest.Digest) string { return s.path("layers", hexOf(d)) }
func (s *Store) chainPath(d digest.Digest) string { return s.path("chains", hexOf(d)) }

// hasBlob reports whether a blob is there with the right length. To hash every
// blob on every pull would cost more than most pulls; what has its final name
// was hashed when it came.
func (s *Store) hasBlob(desc ocispec.Descriptor) bool {
	info, err := os.Stat(s.blobPath(desc.Digest))
	return err == nil && info.Size() == desc.Size
}

// readBlob returns a manifest's or a configuration's bytes after comparing
// them with their digest, every time: they decide what gets run.
func (s *Store) readBlob(d digest.Digest) ([]byte, error) {
	if err := checkDigest(d); err != nil {
		return nil, err
	}
	file, err := os.Open(s.blobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: blob %s is missing: pull the image again", ErrCorrupt, d)
	}
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, registry.MaxManifest+1))
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	if got := digest.NewDigestFromBytes(digest.SHA256, sum(data)); got != d {
		return nil, fmt.Errorf("%w: blob %s holds %s: pull the image again", ErrCorrupt, d, got)
	}
	return data, nil
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}
