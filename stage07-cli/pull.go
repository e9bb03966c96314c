package cli

import (
	"fmt"
	"io"
	"os"
	"strings"

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
			toggle("all-tags a", "Fetch every image of the repository NAME"),
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
			if c.Bool("all-tags") {
				return pullAll(c, e, options)
			}
			return pullOne(c, e, options)
		}),
	}
}

func pullOne(c *urfave.Context, e *engine.Engine, options images.PullOptions) error {
	given := c.Args().First()
	name, err := images.ParseName(given)
	if err != nil {
		return err
	}
	if !isTagged(given) && !c.Bool("quiet") {
		fmt.Fprintln(c.App.Writer, "Using default tag: latest")
	}
	if _, err := images.Pull(c.Context, e.Images(), given, options); err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, name)
	return nil
}

func pullAll(c *urfave.Context, e *engine.Engine, options images.PullOptions) error {
	name, err := repositoryName(c.Args().First())
	if err != nil {
		return err
	}
	if err := images.PullAll(c.Context, e.Images(), name, options); err != nil {
		return err
	}
	fmt.Fprintln(c.App.Writer, name)
	return nil
}

// repositoryName completes a name that stands for all tags, and so has none.
func repositoryName(given string) (string, error) {
	ref, err := images.ParseName(given)
	if err != nil {
		return "", err
	}
	if isTagged(given) {
		return "", &usageError{"", fmt.Sprintf("tag can't be used with --all-tags/-a: write %s", ref.FamiliarName())}
	}
	return ref.Name(), nil
}

// isTagged reports whether a name has a tag or a digest.
func isTagged(name string) bool {
	_, tag := splitName(name)
	return tag != "" || strings.Contains(name, "@")
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
