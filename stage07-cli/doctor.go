package cli

import (
	"fmt"

	urfave "github.com/urfave/cli/v2"
)

func doctorCommand() *urfave.Command {
	return &urfave.Command{
		Name: "doctor", Category: others,
		Usage: "Say what this machine lacks, and what is left over from something that was killed",
		Action: takes(0, 0, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			healthy := true
			for _, finding := range e.Doctor(c.Context) {
				mark := "ok"
				if !finding.OK {
					mark, healthy = "!!", false
				}
				fmt.Fprintf(c.App.Writer, "%s  %-14s %s\n", mark, clean(finding.Name), clean(finding.Message))
				if finding.Advice != "" {
					fmt.Fprintf(c.App.Writer, "    %-14s %s\n", "", clean(finding.Advice))
				}
			}
			if !healthy {
				return exitWith(1)
			}
			return nil
		}),
	}
}
