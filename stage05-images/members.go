package images

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// members is what lies in an archive, by name. Whatever has the name of a path
// is still only a key of these maps.
type members struct {
	store    *Store
	hold     *hold
	progress Progress

	documents map[string][]byte
	layers    map[string]*member
	links     map[string]string // a name, and the one that it stands for
	room      int               // bytes of memory that documents and names may still take
}

// member is a layer's blob. One that the store has already isn't received.
type member struct {
	desc ocispec.Descriptor
	in   *ingest // nil: the store has it
}

const (
	membersRoom = 32 << 20
	// maxMembers bounds the files that are open at once: each layer that
	// arrives is a locked one.
	maxMembers = 4096
)

var errTooMuch = errors.New("the archive holds more names and documents than any image has")

// read takes in an archive in one pass, since it may be a pipe. Layers go to
// the disk as they come, also before it's known which image needs them: the
// list that tells is last in many archives.
func (m *members) read(ctx context.Context, archive io.Reader) error {
	archive = counting(ctx, archive, func(int64) {})
	in := tar.NewReader(archive)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			// Zeros may follow, and the checksum of what the archive is packed in.
			_, err := io.Copy(io.Discard, archive)
			return err
		}
		if err != nil {
			return fmt.Errorf("read tar: %w", err)
		}
		if err := m.member(ctx, h, in); err != nil {
			return fmt.Errorf("read %q: %w", h.Name, err)
		}
	}
}

func (m *members) member(ctx context.Context, h *tar.Header, body io.Reader) error {
	name := path.Clean(strings.TrimLeft(h.Name, "/"))
	if m.room -= len(name) + len(h.Linkname) + 64; m.room < 0 || len(m.layers) > maxMembers {
		return errTooMuch
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		m.links[name] = path.Join(path.Dir(name), h.Linkname)
	case tar.TypeLink:
		m.links[name] = path.Clean(h.Linkname)
	case tar.TypeReg:
		return m.regular(ctx, name, h.Size, body)
	}
	return nil
}

// regular tells documents from layers by their first bytes; what is neither
// is of no use to an image.
func (m *members) regular(ctx context.Context, name string, size int64, body io.Reader) error {
	head := make([]byte, min(size, 512))
	if _, err := io.ReadFull(body, head); err != nil {
		return err
	}
	whole := io.MultiReader(bytes.NewReader(head), body)
	hex, isBlob := strings.CutPrefix(name, archiveBlobs)
	isBlob = isBlob && checkDigest(digest.Digest("sha256:"+hex)) == nil
	switch {
	case looksLikeJSON(head):
		return m.document(name, size, whole)
	case isBlob:
		return m.blob(ctx, name, layerDescriptor(digest.Digest("sha256:"+hex), size, head), whole)
	case isLayer(name, head):
		return m.blob(ctx, name, layerDescriptor("", size, head), whole)
	}
	return nil
}

func (m *members) document(name string, size int64, body io.Reader) error {
	if size > registry.MaxManifest {
		return nil // no image needs it, or it will be missed
	}
	if m.room -= int(size); m.room < 0 {
		return errTooMuch
	}
	data, err := io.ReadAll(body)
	m.documents[name] = data
	return err
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
	content := newHashing(m.watched(ctx, name, desc.Size, body))
	if _, err = io.CopyBuffer(struct{ io.Writer }{in.file}, content, make([]byte, 256<<10)); err == nil {
		if desc.Digest == "" {
			desc.Digest = content.digest()
		}
		err = content.check(desc)
	}
	if err != nil {
		in.abandon()
		return err
	}
	in.blob = desc.Digest
	m.progress.Layer(layerLabel(name), "Complete", desc.Size, desc.Size)
	m.put(name, &member{desc, in})
	return nil
}

func (m *members) watched(ctx context.Context, name string, size int64, body io.Reader) io.Reader {
	id := layerLabel(name)
	return counting(ctx, body, func(n int64) { m.progress.Layer(id, "Loading layer", n, size) })
}

// layerLabel is what progress calls a layer: as much as there is of a digest.
func layerLabel(name string) string {
	for part := range strings.SplitSeq(strings.TrimPrefix(name, archiveBlobs), "/") {
		if hex, _, _ := strings.Cut(part, "."); isHex(hex) {
			return hex[:min(12, len(hex))]
		}
	}
	return name
}

// put remembers a layer. Of two members of one name the last one counts, as it
// would if the tar were unpacked.
func (m *members) put(name string, layer *member) {
	if old := m.layers[name]; old != nil && old.in != nil {
		old.in.abandon()
	}
	m.layers[name] = layer
}

// abandon removes all that wasn't published.
func (m *members) abandon() {
	for _, layer := range m.layers {
		if layer.in != nil {
			layer.in.abandon()
		}
	}
}

// followed returns the name that a name leads to: Docker stores a layer that
// two images share once, and a link in the place of the other.
func (m *members) followed(name string) string {
	name = path.Clean(name)
	for range 10 {
		target, is := m.links[name]
		if !is {
			break
		}
		name = target
	}
	return name
}
