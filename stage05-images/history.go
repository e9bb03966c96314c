package images

import (
	"reflect"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Act is one line of an image's history: what was done, and what it added.
type Act struct {
	ID        digest.Digest // the image that it made; "" where that isn't here
	Created   time.Time     // zero where the image doesn't say
	CreatedBy string
	Comment   string
	Size      int64 // bytes that its layer unpacks to; 0 for an act without one
}

// History tells how an image came to be, the last act first. The configuration
// lists acts and layers each by themselves; an act that changed no file says so
// (empty_layer), and the others take the layers in turn. A history that is too
// short or missing, as some tools leave it, has its layers on top without words.
func (s *Store) History(img *Image) []Act {
	sizes := s.LayerSizes(img)
	others, _ := s.List() // one that can't be read made nothing that we know of
	history := img.Config.History
	var acts []Act
	layers := 0
	for i, h := range history {
		act := Act{CreatedBy: h.CreatedBy, Comment: h.Comment}
		if h.Created != nil {
			act.Created = *h.Created
		}
		if !h.EmptyLayer && layers < len(sizes) {
			act.Size = sizes[layers]
			layers++
		}
		act.ID = madeBy(others, img, history[:i+1], layers)
		acts = append(acts, act)
	}
	for _, size := range sizes[layers:] {
		acts = append(acts, Act{Size: size})
	}
	if len(acts) > 0 {
		acts[len(acts)-1].ID = img.ID
	}
	slices.Reverse(acts)
	return acts
}

// madeBy finds the image that an earlier act ended with: the one of the same
// layers and the same history up to there.
func madeBy(others []*Image, img *Image, history []ocispec.History, layers int) digest.Digest {
	for _, other := range others {
		if other.ID != img.ID && len(other.Config.History) == len(history) &&
			slices.Equal(other.Config.RootFS.DiffIDs, img.Config.RootFS.DiffIDs[:layers]) &&
			reflect.DeepEqual(other.Config.History, history) {
			return other.ID
		}
	}
	return ""
}
