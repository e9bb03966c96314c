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

	unionfs "cooper/stage04-unionfs"
	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
)

// members is what lies in an archive, by name. Whatever has the name of a path
// is still only a key of these maps.
type members struct {
	store    *Store
	hold     *hold
	progress Progress

	documents map[string][]byte
	layers    map[string]*member
	lengths   map[int64]bool    // of the layers in the store and in the archive so far, plain
	links     map[string]string // a name, and the one that it stands for
	room      int               // bytes of memory that documents and names may still take
}

const (
	membersRoom = 32 << 20
	// maxMembers bounds the files that are open at once: each layer that
	// arrives is a locked one.
	maxMembers = 4096
)

var (
	errTooMuch = errors.New("the archive holds more names and documents than any image has")
	errHoles   = errors.New("it is a file with holes, which a few bytes make as long as they like: pack the archive without --sparse")
)

func newMembers(s *Store, h *hold, progress Progress) *members {
	return &members{
		store: s, hold: h, progress: progress, room: membersRoom,
		documents: map[string][]byte{}, layers: map[string]*member{}, links: map[string]string{},
	}
}

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
	case tar.TypeReg, tar.TypeGNUSparse:
		if unionfs.IsSparse(h) {
			return errHoles
		}
		delete(m.links, name) // of two members of one name the last one counts
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
