package cli

import (
	"fmt"
	"strconv"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func logsCommand() *urfave.Command {
	return &urfave.Command{
		Name: "logs", Category: common,
		Usage:     "Show what a container has written",
		ArgsUsage: "CONTAINER",
		Description: "The bytes come out as the container wrote them, escape sequences included:\n" +
			"pipe them through 'cat -v' where the container isn't trusted.",
		Flags: []urfave.Flag{
			toggle("follow f", "Go on as it writes more"),
			text("tail n", "Only the last `number` of lines, or all"),
			text("since", "Only what is newer than `time`, such as 2026-01-31T12:00:00Z or 10m"),
			text("until", "Only what is older than `time`"),
			toggle("timestamps t", "Put the time in front of each line"),
		},
		Action: takes(1, 1, showLogs),
	}
}

func showLogs(c *urfave.Context) error {
	tail, err := tailLines(c.String("tail"))
	if err != nil {
		return err
	}
	e, err := open(c)
	if err != nil {
		return err
	}
	return e.Logs(c.Context, c.Args().First(), engine.LogsOptions{
		Follow:     c.Bool("follow"),
		Tail:       tail,
		Since:      c.String("since"),
		Until:      c.String("until"),
		Timestamps: c.Bool("timestamps"),
		Out:        c.App.Writer,
		Err:        c.App.ErrWriter,
	})
}

// tailLines reads --tail; -1 is all of them.
func tailLines(text string) (int, error) {
	if text == "" || text == "all" {
		return -1, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, &usageError{"", fmt.Sprintf("--tail %q: write a number of lines, or all", text)}
	}
	return max(n, -1), nil
}
