package images

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// catalogue is index.json and the manifests that it leads to, by repository.
// It is never changed: another index.json makes another catalogue.
type catalogue struct {
	repositories map[string]*repository
	needed       map[digest.Digest]bool // whatever an entry leads to
	damaged      error                  // what couldn't be read

	info fs.FileInfo // of the index.json that was read ...
	read time.Time   // ... and when
}

type repository struct {
	name      string
	tags      map[string]*pushed
	manifests map[digest.Digest]*pushed
	blobs     map[digest.Digest]bool
	listed    map[digest.Digest]digest.Digest // a manifest's index, if one lists it
}

// catalogue returns the present one, which is made anew when index.json is
// another file or was written in place.
func (r *Registry) catalogue() (*catalogue, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	info, err := os.Stat(r.store.path("index.json"))
	if err != nil {
		return nil, fmt.Errorf("read image index: %w", err)
	}
	if r.known != nil && r.known.isOf(info) {
		return r.known, nil
	}
	now := time.Now()
	index, err := r.store.readIndex()
	if err != nil {
		return nil, err
	}
	r.known = r.readLocked(index)
	r.known.info, r.known.read = info, now
	return r.known, nil
}

// isOf tells whether the file is still the one that was read. Time stamps have
// the grain of the kernel's clock: a file that was written just before it was
// read may be written again, by the same tick, and is not to be trusted.
func (c *catalogue) isOf(now fs.FileInfo) bool {
	const tick = 20 * time.Millisecond
	return os.SameFile(now, c.info) && now.Size() == c.info.Size() &&
		now.ModTime().Equal(c.info.ModTime()) && c.read.Sub(c.info.ModTime()) > tick
}

// read makes a catalogue of an index, which may be one that is about to be
// written.
func (r *Registry) read(index *ocispec.Index) *catalogue {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.readLocked(index)
}

func (r *Registry) readLocked(index *ocispec.Index) *catalogue {
	c := &catalogue{repositories: map[string]*repository{}, needed: map[digest.Digest]bool{}}
	before := r.parsed
	r.parsed = map[digest.Digest]*pushed{} // what no entry leads to any more is forgotten
	for _, entry := range index.Manifests {
		name, tag := placeOf(entry)
		place := c.repositories[name]
		if place == nil {
			place = newRepository(name)
			c.repositories[name] = place
		}
		r.add(c, place, entry, before)
		if tag != "" {
			place.tags[tag] = place.manifests[entry.Digest]
		}
	}
	return c
}

func newRepository(name string) *repository {
	return &repository{
		name: name, tags: map[string]*pushed{}, manifests: map[digest.Digest]*pushed{},
		blobs: map[digest.Digest]bool{}, listed: map[digest.Digest]digest.Digest{},
	}
}

// add puts a manifest into a repository with all that it names. Of what an
// index lists, and of foreign layers, only that is added which is there: nobody
// pushes the images of all platforms.
func (r *Registry) add(c *catalogue, place *repository, desc ocispec.Descriptor, before map[digest.Digest]*pushed) {
	c.needed[desc.Digest] = true
	if place.manifests[desc.Digest] != nil {
		return
	}
	m, err := r.parse(desc, before)
	if err != nil {
		// It has its place all the same: whoever asks for it is to hear what is
		// wrong, and not that it was never there.
		c.damaged = errors.Join(c.damaged, err)
		m = &pushed{desc: desc}
	}
	place.manifests[desc.Digest] = m
	for _, blob := range m.blobs() {
		c.needed[blob.Digest] = true
		if !isForeign(blob) || r.exists(blob.Digest) {
			place.blobs[blob.Digest] = true
		}
	}
	for _, child := range m.Manifests {
		if r.exists(child.Digest) {
			place.listed[child.Digest] = desc.Digest
			r.add(c, place, child, before)
		}
	}
}

func (r *Registry) exists(d digest.Digest) bool {
	_, err := os.Stat(r.store.blobPath(d))
	return err == nil
}

// parse reads a manifest, or remembers what it read: under one digest there is
// never anything else.
func (r *Registry) parse(desc ocispec.Descriptor, before map[digest.Digest]*pushed) (*pushed, error) {
	if m := cmp.Or(r.parsed[desc.Digest], before[desc.Digest]); m != nil {
		r.parsed[desc.Digest] = m
		return m, nil
	}
	body, err := r.store.readBlob(desc.Digest)
	if err != nil {
		return nil, err
	}
	m, err := parsePushed(desc.MediaType, body)
	if err != nil {
		return nil, fmt.Errorf("read manifest %s: %w", desc.Digest, err)
	}
	r.parsed[desc.Digest] = m
	return m, nil
}

// find returns a repository that somebody has pushed to.
func (c *catalogue) find(name string) (*repository, error) {
	if place := c.repositories[name]; place != nil && name != "" {
		return place, nil
	}
	return nil, refuse(NameUnknown, "there is no repository %s", name)
}

// repository returns the named one, which may be empty.
func (c *catalogue) repository(name string) *repository {
	if place := c.repositories[name]; place != nil {
		return place
	}
	return newRepository(name)
}

func (c *catalogue) names() []string {
	return slices.DeleteFunc(sortedKeys(c.repositories), func(name string) bool { return name == "" })
}

// manifest returns what a tag or digest stands for.
func (p *repository) manifest(ref string) (*pushed, error) {
	m := cmp.Or(p.tags[ref], p.manifests[digest.Digest(ref)])
	if m == nil {
		return nil, refuse(ManifestUnknown, "%s has no manifest %s", p.name, ref)
	}
	return m, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
