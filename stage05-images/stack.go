package images

import (
	"os"
	"slices"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/identity"
)

// A stack is an image's layers in their order, the lowest first, as the
// configuration's diffIDs name them. Where a layer is unpacked depends on
// whether it stands by itself:
//
//	layers/HEX   by diffID: it is the same in whatever image it lies
//	chains/HEX   by chainID: it leans on those below it (see unionfs.Leaning)
//
// A chainID is the digest of all diffIDs up to that layer's (image-spec,
// config.md). So what depends on the layers below is found by exactly these
// layers. Were it kept under its diffID, the next image with this layer would
// get a file out of the first image's others.
type stack struct {
	store   *Store
	diffIDs []digest.Digest
	chains  []digest.Digest
}

func (s *Store) stackOf(diffIDs []digest.Digest) *stack {
	return &stack{store: s, diffIDs: diffIDs, chains: chainsOf(diffIDs)}
}

func chainsOf(diffIDs []digest.Digest) []digest.Digest {
	return identity.ChainIDs(slices.Clone(diffIDs))
}

// layerNames lists all names that the layers of a stack may be unpacked under.
func layerNames(diffIDs []digest.Digest) []digest.Digest {
	return slices.Concat(diffIDs, chainsOf(diffIDs))
}

// unpacked returns the directory of the layer at a place; "" where it has none.
func (k *stack) unpacked(place int) string {
	for _, dir := range []string{k.store.layerPath(k.diffIDs[place]), k.store.chainPath(k.chains[place])} {
		if _, err := os.Stat(dir); err == nil {
			return dir
		}
	}
	return ""
}

// isUnpacked reports whether no layer is missing.
func (k *stack) isUnpacked() bool {
	for place := range k.diffIDs {
		if k.unpacked(place) == "" {
			return false
		}
	}
	return true
}

// LayerDirs returns the unpacked layers of an image as overlayfs wants them,
// the topmost first; the manifest lists the lowest first. Unpack makes sure that
// they are there.
func (s *Store) LayerDirs(img *Image) []string {
	k := s.stackOf(img.Config.RootFS.DiffIDs)
	var dirs []string
	for place, id := range slices.Backward(k.diffIDs) {
		dir := k.unpacked(place)
		if dir == "" {
			dir = s.layerPath(id)
		}
		// A layer that stands twice is mounted once: overlayfs refuses the same
		// directory twice, and its upper place hides all of the lower one.
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}
