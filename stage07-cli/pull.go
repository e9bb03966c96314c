package cli

import (
	"fmt"
	"io"
	"os"

	"cooper/stage05-images"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func pullCommand() *urfave.Command {
	return &urfave.Command{
		Name: "pull", Category: common,
		Usage:     "Fetch an image from its registry",
		ArgsUsage: "NAME[:TAG|@DIGEST]",
		Flags: []urfave.Flag{
			toggle("quiet q", "Print only the name"),
			text("platform", "Fetch the image for `platform`, such as linux/arm64"),
			insecureFlag(),
		},
		Action: takes(1, 1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			options := images.PullOptions{Platform: c.String("platform"), Insecure: c.Bool("insecure")}
			if !c.Bool("quiet") {
				options.Progress = progress(c.App.Writer)
			}
			name, err := images.ParseName(c.Args().First())
			if err != nil {
				return err
			}
			if _, err := images.Pull(c.Context, e.Images(), c.Args().First(), options); err != nil {
				return err
			}
			fmt.Fprintln(c.App.Writer, name)
			return nil
		}),
	}
}

func insecureFlag() urfave.Flag {
	return toggle("insecure", "Allow plain HTTP and certificates that nobody vouches for; a registry on loopback may always")
}

// progress shows a transfer where it can be seen; nil is silence.
func progress(to io.Writer) images.Progress {
	if file, ok := to.(*os.File); ok {
		return images.ShowProgress(file)
	}
	return nil
}

// pullMissing fetches the image that run and create didn't find. What it says
// goes to stderr: standard output is the container's.
func pullMissing(c *urfave.Context, e *engine.Engine, name string) error {
	fmt.Fprintf(c.App.ErrWriter, "Unable to find image '%s' locally\n", clean(name))
	_, err := images.Pull(c.Context, e.Images(), name, images.PullOptions{Progress: progress(c.App.ErrWriter)})
	return err
}
