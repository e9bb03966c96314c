package engine

import "fmt"

// Pruned is what a prune has removed.
type Pruned struct {
	Report []string // "untagged: …", "deleted: …"
	Bytes  int64    // that the removed layers took
}

// PruneImages removes the images without a name, or all, that no container uses
// and that the filter chooses.
func (e *Engine) PruneImages(all bool, filter *ImageFilter) (done Pruned, err error) {
	list, err := e.store.List()
	if err != nil {
		return done, err
	}
	users, err := e.imageUsers()
	if err != nil {
		return done, err
	}
	sizes := e.layerSizes(list)
	for _, img := range filter.Choose(list) {
		if users[img.ID.String()] > 0 || len(img.Names) > 0 && !all {
			continue
		}
		removed, err := e.store.Remove(img.ID.String(), true)
		for _, name := range removed.Untagged {
			done.Report = append(done.Report, "untagged: "+name)
		}
		for _, id := range removed.Deleted {
			done.Report = append(done.Report, fmt.Sprintf("deleted: %s", id))
			done.Bytes += sizes[id]
		}
		if err != nil {
			return done, err
		}
	}
	return done, e.store.Collect()
}
