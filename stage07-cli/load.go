package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"cooper/stage05-images"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func loadCommand() *urfave.Command {
	return &urfave.Command{
		Name: "load", Category: others,
		Usage: "Bring images out of a tar that save has made, here or with another engine",
		Flags: []urfave.Flag{
			text("input i", "Read from `file`, not from standard input"),
			toggle("quiet q", "Show no progress"),
		},
		Action: takes(0, 0, func(c *urfave.Context) error {
			in, err := openInput(c, c.String("input"))
			if err != nil {
				return err
			}
			defer in.Close()
			e, err := open(c)
			if err != nil {
				return err
			}
			list, err := e.Images().Load(c.Context, in, loadProgress(c))
			for _, loaded := range list {
				printLoaded(c.App.Writer, loaded)
			}
			return err
		}),
	}
}

// openInput opens a file, or standard input unless nobody writes there.
func openInput(c *urfave.Context, path string) (io.ReadCloser, error) {
	if path != "" {
		return os.Open(path)
	}
	if file, ok := c.App.Reader.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return nil, errors.New("requested load from stdin, but stdin is empty: name a file with -i, or redirect it")
	}
	return io.NopCloser(c.App.Reader), nil
}

// loadProgress is for people alone: what a log needs, it has in the names.
func loadProgress(c *urfave.Context) images.Progress {
	if file, ok := c.App.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) && !c.Bool("quiet") {
		return images.ShowProgress(file)
	}
	return nil
}

// printLoaded tells of an image in the words that scripts look for.
func printLoaded(w io.Writer, loaded images.Loaded) {
	for _, name := range slices.Sorted(maps.Keys(loaded.Displaced)) {
		fmt.Fprintf(w, "The image %s already exists, renaming the old one with ID %s to empty string\n", name, loaded.Displaced[name])
	}
	for _, name := range loaded.Names {
		fmt.Fprintf(w, "Loaded image: %s\n", name)
	}
	if len(loaded.Names) == 0 {
		fmt.Fprintf(w, "Loaded image ID: %s\n", loaded.ID)
	}
}
