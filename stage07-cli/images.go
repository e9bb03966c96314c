package cli

import (
	"slices"
	"strings"
	"time"

	"cooper/stage05-images"
	"cooper/stage07-cli/engine"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func imagesCommand() *urfave.Command {
	return &urfave.Command{
		Name: "images", Category: common,
		Usage:     "List images",
		ArgsUsage: "[NAME[:TAG]]",
		Flags: []urfave.Flag{
			toggle("all a", "All images: these are all there are"),
			toggle("quiet q", "Only the ids"),
			filterFlag("before, dangling, label, reference, since or until"),
			toggle("digests", "Also what registries know them by"),
			toggle("no-trunc", "Show ids in full"),
			formatFlag(),
		},
		Action: takes(0, 1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			filter, err := imageFilter(e, c, c.Args().Slice())
			if err != nil {
				return err
			}
			// What can be read is listed; what can't is an error all the same.
			list, broken := e.Images().List()
			rows := imageTable(filter.Choose(list), e.Images().UnpackedSize, time.Now(), c.Bool("no-trunc"))
			if c.Bool("digests") {
				rows.usual = slices.Insert(rows.usual, 2, "Digest")
			}
			if err := rows.printOrIDs(c); err != nil {
				return err
			}
			return broken
		}),
	}
}

func filterFlag(keys string) urfave.Flag {
	return many("filter f", "Only what meets a `condition`: "+keys+", as KEY=VALUE")
}

// imageFilter reads the flag, and patterns for names from the line.
func imageFilter(e *engine.Engine, c *urfave.Context, patterns []string) (*engine.ImageFilter, error) {
	filter, err := e.ImageFilter(c.StringSlice("filter"))
	if err != nil {
		return nil, err
	}
	for _, pattern := range patterns {
		if err := filter.AddReference(pattern); err != nil {
			return nil, err
		}
	}
	return filter, nil
}

// imageTable has a row for each name of an image, and one for an image
// without.
func imageTable(list []*images.Image, size func(*images.Image) int64, now time.Time, full bool) *table {
	t := &table{
		columns: []column{
			{"Repository", "REPOSITORY"}, {"Tag", "TAG"}, {"Digest", "DIGEST"}, {"ID", "IMAGE ID"},
			{"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"}, {"Size", "SIZE"},
		},
		usual: []string{"Repository", "Tag", "ID", "CreatedSince", "Size"},
	}
	for _, img := range list {
		id := string(img.ID)
		if !full {
			id = short(id)
		}
		names := img.Names
		if len(names) == 0 {
			names = []string{""}
		}
		for _, name := range names {
			repository, tag := splitName(name)
			t.rows = append(t.rows, map[string]string{
				"Repository":   orNone(repository),
				"Tag":          orNone(tag),
				"Digest":       orNone(digestOf(img, repository)),
				"ID":           id,
				"CreatedSince": ago(now, img.Created),
				"CreatedAt":    img.Created.Format("2006-01-02 15:04:05 -0700 MST"),
				"Size":         units.HumanSizeWithPrecision(float64(size(img)), 3),
			})
		}
	}
	return t
}

// splitName cuts "localhost:5000/debian:12" or "debian@sha256:…". A colon in
// front of a slash belongs to the registry's port.
func splitName(name string) (repository, tag string) {
	repository, _, _ = strings.Cut(name, "@")
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		return repository[:i], repository[i+1:]
	}
	return repository, ""
}

func digestOf(img *images.Image, repository string) string {
	for _, name := range img.Digests {
		if digest, ok := strings.CutPrefix(name, repository+"@"); ok {
			return digest
		}
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
