package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cooper/stage05-images/registry"

	urfave "github.com/urfave/cli/v2"
)

func searchCommand() *urfave.Command {
	return &urfave.Command{
		Name: "search", Category: others,
		Usage:       "Look for images on Docker Hub, or in a registry of your own",
		ArgsUsage:   "[HOST[:PORT]/]TERM",
		Description: "With HOST, whatever has TERM in its name; 'HOST/' is everything.",
		Flags: []urfave.Flag{
			&urfave.IntFlag{Name: "limit", Value: 25, Usage: "Show at most so `many`, 1 to 100"},
			many("filter f", "Only what fits a `condition`: stars=N, is-official=true, is-automated=false"),
			toggle("no-trunc", "Show descriptions in full"),
			formatFlag(),
			insecureFlag(),
		},
		Action: takes(1, 1, func(c *urfave.Context) error {
			limit := c.Int("limit")
			if limit < 1 || limit > 100 {
				return &usageError{"", fmt.Sprintf("--limit %d: write a number from 1 to 100", limit)}
			}
			fits, err := searchFilter(c.StringSlice("filter"))
			if err != nil {
				return err
			}
			host, term, err := searchTerm(c.Args().First())
			if err != nil {
				return err
			}
			options, err := registry.Known(host, registry.Options{Insecure: c.Bool("insecure")})
			if err != nil {
				return err
			}
			found, err := registry.Search(c.Context, host, term, limit, options)
			if err != nil {
				return err
			}
			found = slices.DeleteFunc(found, func(f registry.Found) bool { return !fits(f) })
			return searchTable(found, c.Bool("no-trunc")).print(c.App.Writer, c.String("format"))
		}),
	}
}

// searchTerm splits off the registry, as in an image's name.
func searchTerm(given string) (host, term string, err error) {
	first, rest, found := strings.Cut(given, "/")
	if found && (strings.ContainsAny(first, ".:") || first == "localhost") {
		host, err = registry.ServerHost(first)
		return host, rest, err
	}
	return "docker.io", given, nil
}

// searchFilter joins the conditions of --filter.
func searchFilter(conditions []string) (fits func(registry.Found) bool, err error) {
	var all []func(registry.Found) bool
	for _, condition := range conditions {
		key, value, _ := strings.Cut(condition, "=")
		yes, notBool := strconv.ParseBool(value)
		stars, notNumber := strconv.Atoi(value)
		switch {
		case key == "stars" && notNumber == nil:
			all = append(all, func(f registry.Found) bool { return f.Stars >= stars })
		case key == "is-official" && notBool == nil:
			all = append(all, func(f registry.Found) bool { return f.Official == yes })
		case key == "is-automated" && notBool == nil:
			all = append(all, func(f registry.Found) bool { return f.Automated == yes })
		default:
			return nil, &usageError{"", fmt.Sprintf("--filter %q: write stars=N, is-official=true or is-automated=true", condition)}
		}
	}
	return func(f registry.Found) bool {
		return !slices.ContainsFunc(all, func(fits func(registry.Found) bool) bool { return !fits(f) })
	}, nil
}

func searchTable(found []registry.Found, full bool) *table {
	t := &table{
		columns: []column{
			{"Name", "NAME"}, {"Description", "DESCRIPTION"}, {"StarCount", "STARS"}, {"IsOfficial", "OFFICIAL"}, {"IsAutomated", "AUTOMATED"},
		},
		usual: []string{"Name", "Description", "StarCount", "IsOfficial"},
	}
	for _, f := range found {
		t.rows = append(t.rows, map[string]string{
			"Name":        f.Name,
			"Description": description(f.Description, full),
			"StarCount":   strconv.Itoa(f.Stars),
			"IsOfficial":  okay(f.Official),
			"IsAutomated": okay(f.Automated),
		})
	}
	return t
}

// description makes one line of a text, of 45 letters unless all is asked for.
func description(text string, full bool) string {
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); !full && len(runes) > 45 {
		return string(runes[:44]) + "…"
	}
	return text
}

func okay(yes bool) string {
	if yes {
		return "[OK]"
	}
	return ""
}
