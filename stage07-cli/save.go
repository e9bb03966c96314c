package cli

import (
	"errors"
	"io"
	"os"

	"cooper/stage07-cli/engine"

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
			return intoOutput(c, func(e *engine.Engine, out io.Writer) error {
				return e.Images().Save(c.Context, out, c.Args().Slice())
			})
		}),
	}
}

// outputFlag is for the commands that write a tar.
func outputFlag() urfave.Flag {
	return text("output o", "Write to `file`, not to standard output")
}

// intoOutput has write write a tar to where it's wanted.
func intoOutput(c *urfave.Context, write func(*engine.Engine, io.Writer) error) error {
	out, err := openOutput(c)
	if err != nil {
		return err
	}
	defer out.discard()
	e, err := open(c)
	if err != nil {
		return err
	}
	if err := write(e, out); err != nil {
		return err
	}
	return out.commit()
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
