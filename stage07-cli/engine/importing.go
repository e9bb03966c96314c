package engine

import (
	"context"
	"io"

	"cooper/stage05-images"
)

// ImportOptions is what `cooper import` takes.
type ImportOptions struct {
	Name     string // "repo:tag"; "" leaves the image nameless
	Comment  string
	Platform string   // "linux/arm64"; "" is this machine's
	Changes  []string // Dockerfile instructions, as for a commit
}

// Import makes an image of a root filesystem's tar, and returns its id.
func (e *Engine) Import(ctx context.Context, r io.Reader, o ImportOptions) (imageID string, err error) {
	run := new(images.RunConfig)
	for _, change := range o.Changes {
		if err := applyChange(run, change); err != nil {
			return "", err
		}
	}
	img, err := e.store.Import(ctx, r, images.ImportOptions{Config: *run, Platform: o.Platform, Comment: o.Comment, Name: o.Name})
	if err != nil {
		return "", err
	}
	return img.ID.String(), nil
}
