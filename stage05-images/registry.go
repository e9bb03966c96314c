package images

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
)

// Registry is a store that other machines push into and pull from. It is the
// same image layout, read as repositories:
//
//	repository me/app ─┬─ tags       1, latest: each means a manifest
//	                   ├─ manifests  with a tag, without one, and those that an index lists
//	                   └─ blobs      what its manifests name; for some hours also
//	                                 what was pushed and waits for its manifest
//
// Little of that is written down. A manifest's place in a repository is an
// entry of index.json, and which blobs belong there follows from the manifests.
// So a layout that skopeo or this package wrote is a registry as it is, and
// what was pushed is an image for them:
//
//	{"digest": "sha256:…", "mediaType": …, "size": 561, "annotations": {
//	   "org.opencontainers.image.ref.name": "me/app:1",     absent without a tag
//	   "cooper.registry.repository": "me/app"}}
//
// The blobs of all repositories lie together, each once. A repository shows
// only its own all the same, whatever others have.
//
// Several processes may work on one directory. What a push waits for, and
// which uploads are on their way, is the memory of the process that serves it;
// when it ends, clients begin these anew. Another program that copies into the
// directory knows nothing of holds, though: what it has brought and not named
// yet may be swept, as from any store.
type Registry struct {
	store    *Store
	readOnly bool

	lock    sync.Mutex // never held while the store's is waited for
	known   *catalogue
	parsed  map[digest.Digest]*pushed
	uploads map[string]*Upload
	young   *pledges
	old     *pledges
}

// OpenRegistry opens the registry in a directory, which becomes an image layout
// if it is none. Of one that is read only nothing is written, and it must be
// there. What an earlier process left half received is removed.
func OpenRegistry(dir string, readOnly bool) (*Registry, error) {
	if readOnly {
		if _, err := os.Stat(filepath.Join(dir, "oci-layout")); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("open registry: %s holds no images: give a directory that does, or let it be written", dir)
		}
	}
	store, err := OpenStore(dir)
	if err != nil {
		return nil, err
	}
	r := &Registry{store: store, readOnly: readOnly, parsed: map[digest.Digest]*pushed{}, uploads: map[string]*Upload{}}
	if _, err := r.catalogue(); err != nil {
		return nil, err
	}
	return r, nil
}

// Dir returns the directory of the image layout, an absolute path.
func (r *Registry) Dir() string { return r.store.Dir() }

// ReadOnly tells whether nothing can be pushed or deleted.
func (r *Registry) ReadOnly() bool { return r.readOnly }

// Close ends the uploads, lets go of what is held for pushes, and removes what
// nobody needs then.
func (r *Registry) Close() error {
	r.endUploads(func(*Upload) bool { return true })
	r.lock.Lock()
	r.young.release()
	r.old.release()
	r.young, r.old = nil, nil
	r.lock.Unlock()
	if r.readOnly {
		return nil
	}
	return r.store.locked(r.sweep)
}

// Repositories lists the names that have a manifest, sorted.
func (r *Registry) Repositories() ([]string, error) {
	all, err := r.catalogue()
	if err != nil {
		return nil, err
	}
	return all.names(), nil
}

// Tags lists the tags of a repository, sorted.
func (r *Registry) Tags(name string) ([]string, error) {
	place, err := r.find(name)
	if err != nil {
		return nil, err
	}
	return sortedKeys(place.tags), nil
}

func (r *Registry) find(name string) (*repository, error) {
	all, err := r.catalogue()
	if err != nil {
		return nil, err
	}
	return all.find(name)
}

// Tidy is called now and then, with the time of day. It ends the uploads that
// nobody has sent anything to for an hour, forgets the oldest of the pledges,
// and removes the blobs that neither a manifest nor a pledge needs.
func (r *Registry) Tidy(now time.Time) error {
	if r.readOnly {
		return nil
	}
	r.endUploads(func(u *Upload) bool { return u.idle(now) > time.Hour })
	err := r.age(now)
	if err == nil {
		err = r.store.locked(r.sweep)
	}
	if err != nil {
		return fmt.Errorf("tidy registry: %w", err)
	}
	return nil
}

// sweep removes what no entry of the index leads to and nobody holds. With a
// manifest that can't be read nothing is removed, since it might need anything.
// The store's collect isn't used: it would also look into configurations, which
// strangers have pushed here, and at unpacked layers, which are not ours.
func (r *Registry) sweep() error {
	needed, err := r.store.held()
	if err != nil {
		return err
	}
	index, err := r.store.readIndex()
	if err != nil {
		return err
	}
	all := r.read(index)
	if all.damaged != nil {
		return all.damaged
	}
	for d := range all.needed {
		needed[d] = true
	}
	if err := r.store.sweepBlobs(needed); err != nil {
		return err
	}
	return r.store.sweepIngest()
}
