package cli

import (
	"errors"
	"os"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/term"
)

func saveCommand() *urfave.Command {
	return &urfave.Command{
		Name: "save", Category: others,
		Usage:     "Write images into a tar, to be loaded elsewhere",
		ArgsUsage: "IMAGE [IMAGE...]",
		Flags:     []urfave.Flag{outputFlag()},
		Action: takes(1, -1, func(c *urfave.Context) error {
			out, err := openOutput(c)
			if err != nil {
				return err
			}
			defer out.discard()
			e, err := open(c)
			if err != nil {
				return err
			}
			if err := e.Images().Save(c.Context, out, c.Args().Slice()); err != nil {
				return err
			}
			return out.commit()
		}),
	}
}

// outputFlag is for the commands that write a tar.
func outputFlag() urfave.Flag {
	return text("output o", "Write to `file`, not to standard output")
}

// errTerminal is in the words of Docker.
var errTerminal = errors.New("cowardly refusing to save to a terminal. Use the -o flag or redirect")

// openOutput opens what -o names, or standard output unless people would have
// to look at a tar.
func openOutput(c *urfave.Context) (*output, error) {
	if path := c.String("output"); path != "" {
		return createOutput(path)
	}
	if file, ok := c.App.Writer.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return nil, errTerminal
	}
	return &output{Writer: c.App.Writer}, nil
}
