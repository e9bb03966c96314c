package cli

import (
	"fmt"

	"cooper/stage05-images"

	urfave "github.com/urfave/cli/v2"
)

func imageCheckCommand() *urfave.Command {
	return &urfave.Command{
		Name:        "check",
		Usage:       "Read images from the disk, and see whether they are whole",
		ArgsUsage:   "[IMAGE...]",
		Description: "What the disk has damaged is removed: pull the image again, and only that is fetched.",
		Flags:       []urfave.Flag{toggle("quiet q", "Print only what is damaged")},
		Action: takes(0, -1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			list, err := checked(e.Images(), c.Args().Slice())
			failed := 0
			if err != nil {
				failed = report(c.App.ErrWriter, err)
			}
			for _, img := range list {
				label := clean(imageLabel(img))
				if err := e.Images().Check(c.Context, img); err != nil {
					failed = max(failed, report(c.App.ErrWriter, fmt.Errorf("%s: %w", label, err)))
				} else if !c.Bool("quiet") {
					fmt.Fprintln(c.App.Writer, label+": whole")
				}
			}
			return exitWith(failed)
		}),
	}
}

// checked are the images that were named, or all. One that can't be read at all
// doesn't keep the others from being looked at.
func checked(store *images.Store, names []string) (list []*images.Image, err error) {
	if len(names) == 0 {
		return store.List()
	}
	for _, name := range names {
		img, err := store.Find(name)
		if err != nil {
			return list, err
		}
		list = append(list, img)
	}
	return list, nil
}

func imageLabel(img *images.Image) string {
	if len(img.Names) > 0 {
		return img.Names[0]
	}
	return images.ShortID(img.ID)
}
