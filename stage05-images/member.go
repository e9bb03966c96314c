package images

import (
	"context"
	"fmt"
	"io"
	"strings"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"
	"cooper/stage05-images/registry"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// member is a layer's blob. One that the store has already isn't received.
type member struct {
	desc ocispec.Descriptor
	in   *ingest // nil: the store has it

	tried bool  // to unpack it while it came
	fault error // what came of that: it only matters if an image needs the layer
}

// blob receives a layer as it is, packed or not. Its name in the archive may be
// its digest.
//
// The plain layers of Docker's archives aren't packed either: that would take
// more than the rest of a load, and an image that goes on to the next machine
// has the same layers again. The price is their size on the disk.
func (m *members) blob(ctx context.Context, name string, desc ocispec.Descriptor, body io.Reader) error {
	if desc.Size > unionfs.DefaultLimits().Bytes {
		return fmt.Errorf("%w: %d bytes", unionfs.ErrTooBig, desc.Size)
	}
	if desc.Digest != "" {
		if err := m.hold.add(desc.Digest); err != nil {
			return err
		}
		if m.store.hasBlob(desc) {
			m.progress.Layer(ShortID(desc.Digest), "Already exists", 0, 0)
			m.put(name, &member{desc: desc})
			return nil
		}
	}
	in, err := m.store.ingest(ctx, namespaces.NewID())
	if err != nil {
		return err
	}
	layer := &member{desc: desc, in: in, tried: m.isNew(desc)}
	content := newHashing(io.TeeReader(m.watched(ctx, name, desc.Size, body), in.file))
	rest := readAhead(content)
	defer rest.stop()
	if layer.tried {
		layer.fault = in.unpack(ctx, rest)
	}
	if _, err = io.Copy(io.Discard, rest); err == nil {
		if desc.Digest == "" {
			layer.desc.Digest = content.digest()
		}
		err = content.check(layer.desc)
	}
	if err != nil {
		in.abandon()
		return err
	}
	in.blob = layer.desc.Digest
	m.progress.Layer(layerLabel(name), "Complete", desc.Size, desc.Size)
	m.put(name, layer)
	return nil
}

// isNew tells which layers to unpack while they come, before it's known what
// needs them: the plain ones, whose digest alone says what they unpack to. But
// one that is as long as another is most likely the same, and has its tree.
// The others wait: what is packed takes its time, and three at once take less.
func (m *members) isNew(desc ocispec.Descriptor) bool {
	if desc.MediaType != ocispec.MediaTypeImageLayer {
		return false
	}
	if m.lengths == nil {
		m.lengths = m.store.knownLengths()
	}
	known := m.lengths[desc.Size]
	m.lengths[desc.Size] = true
	return !known
}

func (m *members) watched(ctx context.Context, name string, size int64, body io.Reader) io.Reader {
	id := layerLabel(name)
	return counting(ctx, body, func(n int64) { m.progress.Layer(id, "Loading layer", n, size) })
}

// layerLabel is what progress calls a layer: as much as there is of a digest, or
// else the member's name, which a stranger has chosen for the terminal.
func layerLabel(name string) string {
	for part := range strings.SplitSeq(strings.TrimPrefix(name, archiveBlobs), "/") {
		if hex, _, _ := strings.Cut(part, "."); isHex(hex) {
			return hex[:min(12, len(hex))]
		}
	}
	return registry.Printable(name)
}

// put remembers a layer. Of two members of one name the last one counts, as it
// would if the tar were unpacked.
func (m *members) put(name string, layer *member) {
	if old := m.layers[name]; old != nil && old.in != nil {
		old.in.abandon()
	}
	m.layers[name] = layer
}

// unpack makes the tree of a layer that has none, here or in the store.
func (layer *member) unpack(ctx context.Context, l *layer) error {
	switch {
	case layer.fault != nil:
		return layer.fault
	case layer.tried:
		return layer.in.claim(layer.desc, l.diffID)
	}
	take, settle := layer.in.unpack, layer.in.claim
	if l.unpacked() {
		take, settle = layer.in.measure, layer.in.compare
	}
	blob := io.NewSectionReader(layer.in.file, 0, layer.desc.Size)
	if err := take(ctx, counting(ctx, blob, func(int64) {})); err != nil {
		return err
	}
	return settle(layer.desc, l.diffID)
}
