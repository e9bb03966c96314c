package images

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"
	"cooper/stage05-images/flock"

	"golang.org/x/sys/unix"

	"github.com/opencontainers/go-digest"
)

// ingest is content on its way into the store.
//
//	ingest/HEX        the bytes of a blob received so far; locked by who receives them
//	ingest/HEX.tree/  the layer that they unpack to
//
// The lock makes the second pull of a layer wait for the first one instead of
// fetching it again. When its holder dies, the next one finds the bytes that
// are there and goes on behind them; the tree begins anew.
type ingest struct {
	store *Store
	path  string
	file  *os.File

	blob  digest.Digest // what the file becomes; "" for nothing
	layer digest.Digest // what the tree becomes, by diffID; "" for nothing
	chain digest.Digest // or else by chainID: the layer leans, and is complete

	leaning unionfs.Leaning // what the tree lacks until the layers below it are there

	plain    bool          // the blob isn't packed: its digest is the layer's diffID
	unpacked digest.Digest // the diffID of the layer that was read to make the tree
	size     int64         // its length as a tar

	renamed bool // the blob has its final name
}

// ingest locks the place where a blob comes in. Whoever takes several, takes
// them in the order of their digests, or two pulls could wait for each other.
func (s *Store) ingest(ctx context.Context, key string) (*ingest, error) {
	if err := os.MkdirAll(s.path("ingest"), 0o700); err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	path := s.path("ingest", key)
	file, err := lockFile(path, func(file *os.File) error { return flock.LockContext(ctx, file) })
	if err != nil {
		return nil, fmt.Errorf("ingest: %w", err)
	}
	in := &ingest{store: s, path: path, file: file}
	if err := unionfs.Remove(in.tree()); err != nil {
		in.abandon()
		return nil, fmt.Errorf("ingest: %w", err)
	}
	return in, nil
}

func (in *ingest) tree() string { return in.path + ".tree" }

// received returns how many bytes of the blob are there.
func (in *ingest) received() int64 {
	info, err := in.file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// ingestBytes brings a document in. Its place is nobody else's, so it waits
// for nobody.
func (s *Store) ingestBytes(ctx context.Context, data []byte) (*ingest, error) {
	in, err := s.ingest(ctx, namespaces.NewID())
	if err != nil {
		return nil, err
	}
	if _, err := in.file.Write(data); err != nil {
		in.abandon()
		return nil, fmt.Errorf("ingest: %w", err)
	}
	in.blob = digest.NewDigestFromBytes(digest.SHA256, sum(data))
	return in, nil
}

// abandon removes what isn't published and gives the lock back. Of one that was
// renamed nothing is left, and another ingest may have its old name by now.
func (in *ingest) abandon() {
	if !in.renamed {
		unionfs.Remove(in.tree())
		os.Remove(in.path)
	}
	in.file.Close()
}

// suspend gives the lock back and keeps the blob's bytes for another try.
func (in *ingest) suspend() {
	if in.received() == 0 {
		in.abandon()
		return
	}
	unionfs.Remove(in.tree())
	in.file.Close()
}

// publish gives whole content its final names. One syncfs before it makes all
// files of all layers durable at once, thousands of them, where an fsync for
// each would take a disk operation per file; only then may they have names
// that mean "whole". The locks stay with the caller. See syncfs(2).
func (s *Store) publish(arrivals []*ingest) error {
	if len(arrivals) == 0 {
		return nil
	}
	for _, dir := range []string{"layers", "chains"} {
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			return fmt.Errorf("publish image: %w", err)
		}
	}
	if err := s.recordSizes(arrivals); err != nil {
		return fmt.Errorf("publish image: %w", err)
	}
	if err := s.syncfs(); err != nil {
		return fmt.Errorf("publish image: %w", err)
	}
	for _, in := range arrivals {
		if err := in.rename(); err != nil {
			return fmt.Errorf("publish image: %w", err)
		}
	}
	for _, dir := range changedBy(arrivals) {
		if err := syncDir(s.path(dir)); err != nil {
			return fmt.Errorf("publish image: %w", err)
		}
	}
	return nil
}

// changedBy lists the directories in which something got its final name.
func changedBy(arrivals []*ingest) []string {
	changed := map[string]bool{}
	for _, in := range arrivals {
		changed["blobs/sha256"] = changed["blobs/sha256"] || in.blob != ""
		changed["layers"] = changed["layers"] || in.layer != ""
		changed["chains"] = changed["chains"] || in.layer == "" && in.chain != ""
	}
	return slices.DeleteFunc([]string{"blobs/sha256", "layers", "chains"}, func(dir string) bool { return !changed[dir] })
}

// rename takes the tree first: once the blob is renamed, nothing is locked any
// more that has this ingest's name.
func (in *ingest) rename() error {
	if err := in.renameTree(); err != nil {
		return err
	}
	if in.blob == "" {
		return nil
	}
	if err := os.Rename(in.path, in.store.blobPath(in.blob)); err != nil {
		return err
	}
	in.renamed = true
	return nil
}

func (in *ingest) renameTree() error {
	var name string
	switch {
	case in.layer != "":
		name = in.store.layerPath(in.layer)
	case in.chain != "":
		name = in.store.chainPath(in.chain)
	default:
		return unionfs.Remove(in.tree()) // that of a layer that leans, if lean had no use for it
	}
	err := os.Rename(in.tree(), name)
	// Another compression of the same layer may have come first.
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, fs.ErrExist) {
		err = unionfs.Remove(in.tree())
	}
	return err
}

func (s *Store) syncfs() error {
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return os.NewSyscallError("syncfs", unix.Syncfs(int(dir.Fd())))
}

// readDir lists a directory that may not exist yet.
func readDir(path string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

// restart forgets the bytes received and the tree made of them.
func (in *ingest) restart() error {
	if err := unionfs.Remove(in.tree()); err != nil {
		return err
	}
	return in.file.Truncate(0)
}
