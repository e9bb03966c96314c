package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/template"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

func inspectCommand() *urfave.Command {
	return &urfave.Command{
		Name: "inspect", Category: others,
		Usage:     "Tell all about containers, images, networks or volumes, as JSON",
		ArgsUsage: "NAME [NAME...]",
		Flags: []urfave.Flag{
			text("format f", "Print with a Go `template`, such as '{{.State.Pid}}'"),
			text("type", "Look only for a `kind`: container, image, network or volume"),
		},
		Action: takes(1, -1, func(c *urfave.Context) error { return inspectAny(c, c.String("type")) }),
	}
}

// inspectOnly is inspect in a group: "cooper image inspect".
func inspectOnly(kind string) *urfave.Command {
	return &urfave.Command{
		Name: "inspect", Usage: "Tell all about one " + kind + " or more, as JSON", ArgsUsage: "NAME [NAME...]",
		Flags:  []urfave.Flag{text("format f", "Print with a Go `template`")},
		Action: takes(1, -1, func(c *urfave.Context) error { return inspectAny(c, kind) }),
	}
}

func inspectAny(c *urfave.Context, kind string) error {
	looks := []struct {
		kind string
		at   func(*engine.Engine, string) (any, error)
	}{
		{"container", func(e *engine.Engine, name string) (any, error) { return e.Inspect(name) }},
		{"image", inspectImage},
		{"network", func(e *engine.Engine, name string) (any, error) { return e.InspectNetwork(name) }},
		{"volume", inspectVolume},
	}
	switch kind {
	case "", "container", "image", "network", "volume":
	default:
		return &usageError{"", fmt.Sprintf("--type %q: use container, image, network or volume", kind)}
	}
	e, err := open(c)
	if err != nil {
		return err
	}
	return inspectEach(c, func(name string) (any, error) {
		for _, look := range looks {
			if kind != "" && kind != look.kind {
				continue
			}
			found, err := look.at(e, name)
			if err == nil || kind != "" || !errors.Is(err, engine.ErrNotFound) {
				return found, err
			}
		}
		return nil, fmt.Errorf("no such container, image, network or volume: %s", name)
	})
}

// inspectEach prints what is found of the names on the line: as one JSON list,
// or with --format a template for each. It goes on behind a name that isn't
// there.
func inspectEach(c *urfave.Context, look func(name string) (any, error)) error {
	all, failed := []any{}, 0
	for _, name := range c.Args().Slice() {
		found, err := look(name)
		if err != nil {
			failed = max(failed, report(c.App.ErrWriter, err))
			continue
		}
		all = append(all, found)
	}
	if err := printInspected(c, all); err != nil {
		return err
	}
	return exitWith(failed)
}

func printInspected(c *urfave.Context, all []any) error {
	format := c.String("format")
	if format == "" || format == "json" {
		return writeJSON(c.App.Writer, all, "    ")
	}
	row, err := parseTemplate(format)
	if err != nil {
		return err
	}
	for _, one := range all {
		text, err := filled(row, one)
		if err != nil {
			return err
		}
		fmt.Fprint(c.App.Writer, cleanLines(text))
	}
	return nil
}

// filled is the template with the value in it, twice tried as Docker does. The
// value itself knows which of its maps are somebody's labels or networks, where
// a key may be missing: {{json .NetworkSettings.Networks.kind}} is null for a
// container that isn't on it. Its JSON has all names as they are printed, such
// as .Id, and none may be missing.
func filled(row *template.Template, value any) (string, error) {
	lenient, err := row.Clone()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	if printTemplate(&out, lenient.Option("missingkey=default"), value) == nil {
		return out.String(), nil
	}
	data, err := asJSON(value)
	if err != nil {
		return "", err
	}
	err = printTemplate(&out, row, data)
	return out.String(), err
}

// asJSON turns a value into what a template sees: the names of the JSON, which
// are Docker's, and numbers that print as they were written.
func asJSON(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var data any
	in := json.NewDecoder(strings.NewReader(string(text)))
	in.UseNumber()
	return data, in.Decode(&data)
}
