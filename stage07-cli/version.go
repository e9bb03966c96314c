package cli

import (
	"fmt"
	"runtime"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// version is Cooper's own; see https://semver.org.
const version = "0.1.0"

func versionCommand() *urfave.Command {
	return &urfave.Command{
		Name: "version", Category: others,
		Usage:  "Show the version",
		Flags:  []urfave.Flag{text("format f", "Print with a Go `template`, or json")},
		Action: takes(0, 0, func(c *urfave.Context) error { return printVersion(c, c.String("format")) }),
	}
}

func printVersion(c *urfave.Context, format string) error {
	about := map[string]string{
		"Version": version, "GoVersion": runtime.Version(), "Os": runtime.GOOS, "Arch": runtime.GOARCH,
	}
	if format != "" {
		return printOne(c, about)
	}
	_, err := fmt.Fprintf(c.App.Writer, "cooper version %s (%s, %s/%s)\n",
		version, about["GoVersion"], about["Os"], about["Arch"])
	return err
}

// printOne prints one value as --format says: json, or a template.
func printOne(c *urfave.Context, value any) error {
	format := c.String("format")
	if format == "json" {
		return writeJSON(c.App.Writer, value, "")
	}
	row, err := parseTemplate(format)
	if err != nil {
		return err
	}
	data, err := asJSON(value)
	if err != nil {
		return err
	}
	var out strings.Builder
	if err := printTemplate(&out, row, data); err != nil {
		return err
	}
	_, err = fmt.Fprint(c.App.Writer, cleanLines(out.String()))
	return err
}
