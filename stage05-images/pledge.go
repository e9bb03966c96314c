package images

import (
	"time"

	"github.com/opencontainers/go-digest"
)

// pledges are a registry's promises: whoever pushed a blob, mounted it or was
// told that it is there may count on it until the manifest comes.
//
//	HEAD blob ── 200 ──┐
//	POST … PUT blob ───┼──▶ pledged for 6 to 12 hours ──▶ PUT manifest: named for good
//	POST ?mount= ──────┘                              ╲─▶ nothing came: swept
//
// There are two generations, and every six hours the older one is forgotten as
// a whole. So a promise needs no clock of its own, and the store's hold, which
// can only grow, ends some time.
type pledges struct {
	began time.Time
	hold  *hold
	blobs map[string]map[digest.Digest]bool // by repository
}

const generation = 6 * time.Hour

func (p *pledges) release() {
	if p != nil {
		p.hold.release()
	}
}

func (p *pledges) has(name string, d digest.Digest) bool { return p != nil && p.blobs[name][d] }

// has tells whether a repository may be asked for a blob.
func (r *Registry) has(place *repository, d digest.Digest) bool {
	return place.blobs[d] || r.pledged(place.name, d)
}

func (r *Registry) pledged(name string, d digest.Digest) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.young.has(name, d) || r.old.has(name, d)
}

// pledge promises a blob to a repository.
func (r *Registry) pledge(name string, d digest.Digest) error {
	if err := r.hold(d); err != nil {
		return err
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.young.blobs[name] == nil {
		r.young.blobs[name] = map[digest.Digest]bool{}
	}
	r.young.blobs[name][d] = true
	return nil
}

// unpledge takes a promise back.
func (r *Registry) unpledge(name string, d digest.Digest) {
	r.lock.Lock()
	defer r.lock.Unlock()
	for _, p := range []*pledges{r.young, r.old} {
		if p != nil {
			delete(p.blobs[name], d)
		}
	}
}

// hold keeps a blob from being swept, whatever repository wants it.
func (r *Registry) hold(d digest.Digest) error {
	if err := r.age(time.Now()); err != nil {
		return err
	}
	r.lock.Lock()
	young := r.young
	r.lock.Unlock()
	return young.hold.add(d)
}

// age begins a generation when it's time to.
func (r *Registry) age(now time.Time) error {
	r.lock.Lock()
	before := r.young
	r.lock.Unlock()
	if before != nil && now.Sub(before.began) < generation {
		return nil
	}
	hold, err := r.store.hold()
	if err != nil {
		return err
	}
	r.lock.Lock()
	defer r.lock.Unlock()
	if r.young != before { // another request was faster
		hold.release()
		return nil
	}
	r.old.release()
	r.old, r.young = before, &pledges{now, hold, map[string]map[digest.Digest]bool{}}
	return nil
}

func (r *Registry) youngHas(name string, d digest.Digest) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	return r.young.has(name, d)
}
