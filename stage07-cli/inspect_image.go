package cli

import (
	"time"

	"cooper/stage05-images"
	"cooper/stage07-cli/engine"

	"github.com/opencontainers/go-digest"
)

// imageInspection is "cooper image inspect", in the shape of Docker's API.
type imageInspection struct {
	ID           string `json:"Id"`
	RepoTags     []string
	RepoDigests  []string
	Comment      string
	Created      string // RFC 3339; "" where the image doesn't say
	Author       string
	Config       images.RunConfig
	Architecture string
	Variant      string `json:",omitempty"`
	Os           string
	Size         int64 // bytes that its layers unpack to
	RootFS       imageLayers
	GraphDriver  imageDirs
}

type imageLayers struct {
	Type   string
	Layers []digest.Digest // diffIDs, the lowest first
}

type imageDirs struct {
	Name string
	Data map[string][]string // LowerDirs: the unpacked layers, the topmost first
}

func inspectImage(e *engine.Engine, name string) (any, error) {
	img, err := findImage(e, name)
	if err != nil {
		return nil, err
	}
	about := describeImage(img, e.Images().LayerDirs(img))
	about.Size = e.Images().UnpackedSize(img)
	return about, nil
}

func describeImage(img *images.Image, dirs []string) imageInspection {
	about := imageInspection{
		ID:           string(img.ID),
		RepoTags:     append([]string{}, img.Names...),
		RepoDigests:  append([]string{}, img.Digests...),
		Author:       img.Config.Author,
		Config:       img.Config.Config,
		Architecture: img.Config.Architecture,
		Variant:      img.Config.Variant,
		Os:           img.Config.OS,
		RootFS:       imageLayers{"layers", img.Config.RootFS.DiffIDs},
		GraphDriver:  imageDirs{"overlay", map[string][]string{"LowerDirs": dirs}},
	}
	if !img.Created.IsZero() {
		about.Created = img.Created.Format(time.RFC3339Nano)
	}
	if n := len(img.Config.History); n > 0 {
		about.Comment = img.Config.History[n-1].Comment
	}
	return about
}
