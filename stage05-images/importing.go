package images

import (
	"context"
	"fmt"
	"io"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ImportOptions say what a root filesystem becomes an image with.
type ImportOptions struct {
	Config   RunConfig
	Platform string // "linux/arm64"; "" is this machine's
	Comment  string
	Name     string // "" leaves it without a name
}

// Import makes an image of one layer out of a root filesystem: a tar, plain or
// packed with gzip, zstd, xz or bzip2.
func (s *Store) Import(ctx context.Context, r io.Reader, opts ImportOptions) (*Image, error) {
	platform, err := ParsePlatform(opts.Platform)
	if err != nil {
		return nil, err
	}
	plain, err := decompress(r)
	if err != nil {
		return nil, fmt.Errorf("import image: %w", err)
	}
	defer plain.Close()
	return s.Commit(ctx, CommitOptions{
		Layer: plain, Config: opts.Config, Comment: opts.Comment, Name: opts.Name,
		Platform: ocispec.Platform{OS: platform.OS, Architecture: platform.Architecture, Variant: platform.Variant},
	})
}
