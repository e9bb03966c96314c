package images

import (
	unionfs "cooper/stage04-unionfs"

	"github.com/opencontainers/go-digest"
)

// Spec is what this stage must know of a container, on top of stage 4: which
// image its layers come from. Configure fills in the rest from the image.
type Spec struct {
	unionfs.Spec

	Image   string        `json:"image,omitempty"`   // as the user wrote it
	ImageID digest.Digest `json:"imageID,omitempty"` // what it meant when the container was made
}
