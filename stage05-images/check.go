package images

import (
	"context"
	"errors"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Check reads every blob of an image and holds it against its digest. The error
// joins an ErrCorrupt for each one that is missing or was changed by the disk;
// the latter are removed, so that a pull fetches them again, and no others.
//
// The unpacked layers aren't looked at: what they hold is spread over thousands
// of files, and nobody has written down what each of them should be.
func (s *Store) Check(ctx context.Context, img *Image) error {
	var damaged []error
	for _, desc := range append([]ocispec.Descriptor{img.Descriptor, img.Manifest.Config}, img.Manifest.Layers...) {
		err := s.checkBlob(ctx, desc)
		if err != nil && !errors.Is(err, ErrCorrupt) {
			return err
		}
		damaged = append(damaged, err)
	}
	return errors.Join(damaged...)
}

func (s *Store) checkBlob(ctx context.Context, desc ocispec.Descriptor) error {
	blob, err := s.openBlob(desc)
	if err != nil {
		return err
	}
	defer blob.Close()
	_, err = io.CopyBuffer(io.Discard, counting(ctx, blob, func(int64) {}), make([]byte, 256<<10))
	return err
}
