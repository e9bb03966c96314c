package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"cooper/stage05-images/registry"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func importCommand() *urfave.Command {
	return &urfave.Command{
		Name: "import", Category: others,
		Usage:       "Make an image of a root filesystem's tar, plain or packed",
		ArgsUsage:   "FILE|URL|- [NAME[:TAG]]",
		Description: "What export writes is such a tar; what save writes is for load.",
		Flags: []urfave.Flag{
			changeFlag(),
			text("message m", "Note `text` as the comment"),
			text("platform", "Say that it's for `platform`, such as linux/arm64"),
		},
		Action: takes(1, 2, func(c *urfave.Context) error {
			source := c.Args().First()
			in, err := openSource(c, source)
			if err != nil {
				return err
			}
			defer in.Close()
			e, err := open(c)
			if err != nil {
				return err
			}
			comment := c.String("message")
			if comment == "" {
				comment = "Imported from " + source
			}
			id, err := e.Import(c.Context, in, engine.ImportOptions{
				Name: c.Args().Get(1), Comment: comment, Platform: c.String("platform"), Changes: c.StringSlice("change"),
			})
			if err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, id)
			return nil
		}),
	}
}

// changeFlag is for the commands that make an image.
func changeFlag() urfave.Flag {
	return many("change c", "Apply a Dockerfile `instruction`: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR")
}

// openSource opens a file, an address, or with "-" standard input.
func openSource(c *urfave.Context, source string) (io.ReadCloser, error) {
	switch {
	case source == "-":
		return openInput(c, "")
	case strings.HasPrefix(source, "http://"), strings.HasPrefix(source, "https://"):
		return registry.Download(c.Context, source, 30*time.Second)
	}
	return openInput(c, source)
}
