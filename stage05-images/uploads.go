package images

import (
	"context"
	"crypto/sha256"
	"time"

	namespaces "cooper/stage01-namespaces"
)

// maxUploads is how many may be on their way at once: each is an open file.
const maxUploads = 256

// Begin opens an upload to a repository.
func (r *Registry) Begin(ctx context.Context, name string) (*Upload, error) {
	if r.readOnly {
		return nil, errReadOnly()
	}
	u := &Upload{ID: namespaces.NewID(), registry: r, repository: name, turn: make(chan struct{}, 1), hash: sha256.New()}
	u.touch()
	if !r.enlist(u) { // whoever has been silent for a minute gives way
		now := time.Now()
		r.endUploads(func(u *Upload) bool { return u.idle(now) > time.Minute })
		if !r.enlist(u) {
			return nil, refuse(TooManyRequests, "%d uploads are on their way: try again later", maxUploads)
		}
	}
	in, err := r.store.ingest(ctx, u.ID)
	if err != nil {
		r.strike(u)
		return nil, err
	}
	u.in = in
	u.give() // until now nobody had the turn
	return u, nil
}

// enlist gives an upload one of the places, if there is one.
func (r *Registry) enlist(u *Upload) bool {
	r.lock.Lock()
	defer r.lock.Unlock()
	if len(r.uploads) >= maxUploads {
		return false
	}
	r.uploads[u.ID] = u
	return true
}

func (r *Registry) strike(u *Upload) {
	r.lock.Lock()
	defer r.lock.Unlock()
	delete(r.uploads, u.ID)
}

// Upload returns the one that was begun in this repository under this ID.
func (r *Registry) Upload(name, id string) (*Upload, error) {
	r.lock.Lock()
	defer r.lock.Unlock()
	u := r.uploads[id]
	if u == nil || u.repository != name {
		return nil, refuse(BlobUploadUnknown, "no such upload: it is finished, or was given up; begin it anew")
	}
	return u, nil
}

// endUploads ends those that nobody is writing to at this moment.
func (r *Registry) endUploads(which func(*Upload) bool) {
	r.lock.Lock()
	var doomed []*Upload
	for _, u := range r.uploads {
		if which(u) {
			doomed = append(doomed, u)
		}
	}
	r.lock.Unlock()
	for _, u := range doomed {
		select {
		case <-u.turn:
			u.end()
			u.give()
		default:
		}
	}
}
