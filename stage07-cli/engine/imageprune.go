package engine

import (
	"fmt"
	"maps"

	"cooper/stage05-images"

	"github.com/opencontainers/go-digest"
)

// Pruned is what a prune has removed.
type Pruned struct {
	Report []string // "untagged: …", "deleted: …"
	Bytes  int64    // that the removed layers took
}

// PruneImages removes the images without a name, or all, that no container uses
// and that the filter chooses.
func (e *Engine) PruneImages(all bool, filter *ImageFilter) (done Pruned, err error) {
	users, err := e.imageUsers()
	if err != nil {
		return done, err
	}
	sizes := map[digest.Digest]int64{}
	removed, err := e.store.PruneChosen(func(img *images.Image) bool {
		if users[img.ID.String()] > 0 || len(img.Names) > 0 && !all || len(filter.Choose([]*images.Image{img})) == 0 {
			return false
		}
		maps.Copy(sizes, e.layerSizes([]*images.Image{img}))
		return true
	})
	for _, name := range removed.Untagged {
		done.Report = append(done.Report, "untagged: "+name)
	}
	for _, id := range removed.Deleted {
		done.Report = append(done.Report, fmt.Sprintf("deleted: %s", id))
		done.Bytes += sizes[id]
	}
	return done, err
}
