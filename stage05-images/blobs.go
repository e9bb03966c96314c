package images

import (
	"errors"
	"io/fs"
	"os"

	"github.com/opencontainers/go-digest"
)

// Blob opens a blob of a repository.
func (r *Registry) Blob(name string, d digest.Digest) (*os.File, error) {
	if err := r.mayAsk(name, d); err != nil {
		return nil, err
	}
	file, err := os.Open(r.store.blobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blobUnknown(name, d) // so that whoever has it sends it again
	}
	return file, err
}

// Promise looks for a blob and returns its size. Who is told that it's there
// won't send it, so it is held until the manifest comes.
func (r *Registry) Promise(name string, d digest.Digest) (size int64, err error) {
	if err := r.mayAsk(name, d); err != nil {
		return 0, err
	}
	return r.promise(name, d)
}

// Mount gives a repository a blob that another one has, without its bytes
// travelling. From "" is from anywhere.
func (r *Registry) Mount(name string, d digest.Digest, from string) error {
	if r.readOnly {
		return errReadOnly()
	}
	var err error
	if from == "" {
		err = badDigest(d)
	} else {
		err = r.mayAsk(from, d)
	}
	if err == nil {
		_, err = r.promise(name, d)
	}
	return err
}

// DeleteBlob takes a blob from a repository that no manifest names there. One
// that is named stays: there are no images with holes here.
func (r *Registry) DeleteBlob(name string, d digest.Digest) error {
	if r.readOnly {
		return errReadOnly()
	}
	if err := r.mayAsk(name, d); err != nil {
		return err
	}
	all, err := r.catalogue()
	if err != nil {
		return err
	}
	if all.repository(name).blobs[d] {
		return refuse(Unsupported, "a manifest of %s names the blob: delete that first", name)
	}
	r.unpledge(name, d)
	return nil
}

// mayAsk refuses a digest that is none, and a blob that the repository hasn't.
func (r *Registry) mayAsk(name string, d digest.Digest) error {
	if err := badDigest(d); err != nil {
		return err
	}
	all, err := r.catalogue()
	if err != nil {
		return err
	}
	if !r.has(all.repository(name), d) {
		return blobUnknown(name, d)
	}
	return nil
}

// promise holds a blob first and looks for it then; a sweep in between finds it
// held.
func (r *Registry) promise(name string, d digest.Digest) (size int64, err error) {
	known := r.readOnly || r.youngHas(name, d)
	if !known {
		if err := r.pledge(name, d); err != nil {
			return 0, err
		}
	}
	info, err := os.Stat(r.store.blobPath(d))
	if errors.Is(err, fs.ErrNotExist) {
		r.unpledge(name, d)
		return 0, blobUnknown(name, d)
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func badDigest(d digest.Digest) error {
	if err := checkDigest(d); err != nil {
		return refuse(DigestInvalid, "%v", err)
	}
	return nil
}

func blobUnknown(name string, d digest.Digest) error {
	return refuse(BlobUnknown, "%s has no blob %s", name, d)
}
