package cli

import (
	"fmt"
	"os"
	"strings"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

// complete answers a shell that asks how the line goes on: with flags where a
// dash was typed, as the library does, and else with what there is of the thing
// that the command's usage names first.
func complete(c *urfave.Context) {
	urfave.DefaultCompleteWithFlags(c.Command)(c)
	if n := len(os.Args); n > 2 && strings.HasPrefix(os.Args[n-2], "-") {
		return
	}
	if _, err := os.Stat(c.String("root")); err != nil {
		return // a key pressed shall make no state directory
	}
	e, err := open(c)
	if err != nil {
		return
	}
	for _, name := range namesOf(e, c.Command.ArgsUsage) {
		fmt.Fprintln(c.App.Writer, clean(name))
	}
}

// namesOf lists what "CONTAINER [CONTAINER...]" or "IMAGE [COMMAND]" stands for.
func namesOf(e *engine.Engine, usage string) (names []string) {
	switch what, _, _ := strings.Cut(usage, " "); what {
	case "CONTAINER":
		list, _ := e.List(true)
		for _, container := range list {
			names = append(names, container.Name)
		}
	case "IMAGE":
		list, _ := e.Images().List()
		for _, image := range list {
			names = append(names, image.Names...)
		}
	case "VOLUME":
		list, _ := e.Volumes()
		for _, volume := range list {
			names = append(names, volume.Name)
		}
	}
	return names
}
