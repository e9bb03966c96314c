package cli

import (
	"fmt"
	"os/user"
	"strconv"
	"text/tabwriter"
	"time"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
)

func topCommand() *urfave.Command {
	return &urfave.Command{
		Name: "top", Category: others,
		Usage:     "List the processes of a container, as the host sees them",
		ArgsUsage: "CONTAINER [-ef]",
		Description: "Docker's top takes the options of the host's ps. Cooper runs no ps: it reads /proc,\n" +
			"and shows what ps -ef shows.",
		Action: takes(1, 2, listProcesses),
	}
}

func listProcesses(c *urfave.Context) error {
	if format := c.Args().Get(1); format != "" && format != "-ef" && format != "ef" {
		return &usageError{"", fmt.Sprintf("ps option %q: only -ef is known", format)}
	}
	e, err := open(c)
	if err != nil {
		return err
	}
	list, err := e.Top(c.Args().First())
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(c.App.Writer, 10, 1, 3, ' ', 0)
	fmt.Fprintln(out, "UID\tPID\tPPID\tC\tSTIME\tTTY\tTIME\tCMD")
	for _, p := range list {
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", userName(p.UID), p.PID, p.Parent,
			busy(p, time.Now()), startTime(p.Started, time.Now()), terminalName(p.Terminal), clockTime(p.CPUTime), clean(p.Command))
	}
	return out.Flush()
}

// userName is what the host calls a uid; ps shows the number where it has no
// name, or one that doesn't fit.
func userName(uid int) string {
	number := strconv.Itoa(uid)
	known, err := user.LookupId(number)
	if err != nil || len(known.Username) > 8 {
		return number
	}
	return clean(known.Username)
}

// busy is the share of its life that a process was running, in hundredths.
func busy(p engine.ProcessInfo, now time.Time) int {
	life := now.Sub(p.Started)
	if life <= 0 {
		return 0
	}
	return min(99, int(100*p.CPUTime/life))
}

// startTime is the time of today, the day of this year, or the year.
func startTime(started, now time.Time) string {
	switch {
	case now.Sub(started) < 24*time.Hour && now.YearDay() == started.YearDay():
		return started.Format("15:04")
	case now.Year() == started.Year():
		return started.Format("Jan02")
	}
	return started.Format("2006")
}

// terminalName names the controlling terminal by its number: 136 to 143 are
// the pseudo-terminals; see devices.txt of the kernel.
func terminalName(number uint64) string {
	major, minor := unix.Major(number), unix.Minor(number)
	switch {
	case number == 0:
		return "?"
	case major >= 136 && major <= 143:
		return fmt.Sprintf("pts/%d", (major-136)*256+minor)
	}
	return fmt.Sprintf("%d:%d", major, minor)
}

func clockTime(d time.Duration) string {
	seconds := int(d / time.Second)
	return fmt.Sprintf("%02d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}
