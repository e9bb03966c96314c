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
// that the command's usage names there.
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
	for _, name := range namesOf(e, wordAt(c.Command.ArgsUsage, c.NArg())) {
		fmt.Fprintln(c.App.Writer, clean(name))
	}
}

// wordAt is what the usage has where the next argument comes: at 1 of
// "NETWORK CONTAINER" CONTAINER, and so at 1 of "CONTAINER [CONTAINER...]".
func wordAt(usage string, n int) string {
	words := strings.Fields(usage)
	if len(words) == 0 || n >= len(words) && !strings.HasSuffix(usage, "...]") {
		return ""
	}
	return strings.TrimSuffix(strings.Trim(words[min(n, len(words)-1)], "[]"), "...")
}

// namesOf lists what there is of a thing.
func namesOf(e *engine.Engine, what string) (names []string) {
	switch what {
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
	case "NETWORK":
		list, _ := e.Networks()
		for _, network := range list {
			names = append(names, network.Name)
		}
	case "VOLUME":
		list, _ := e.Volumes()
		for _, volume := range list {
			names = append(names, volume.Name)
		}
	}
	return names
}
