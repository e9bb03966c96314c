package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cooper/stage05-images"
	"cooper/stage07-cli/engine"

	units "github.com/docker/go-units"
	urfave "github.com/urfave/cli/v2"
)

func historyCommand() *urfave.Command {
	return &urfave.Command{
		Name: "history", Category: others,
		Usage:     "Tell how an image was made, the last step first",
		ArgsUsage: "IMAGE",
		Flags: []urfave.Flag{
			toggle("quiet q", "Only the ids"),
			toggle("no-trunc", "Show ids and commands in full"),
			&urfave.BoolFlag{Name: "human", Aliases: []string{"H"}, Value: true, Usage: "Sizes and dates for people; --human=false for programs"},
			formatFlag(),
		},
		Action: takes(1, 1, func(c *urfave.Context) error {
			e, err := open(c)
			if err != nil {
				return err
			}
			img, err := findImage(e, c.Args().First())
			if err != nil {
				return err
			}
			rows := historyTable(e.Images().History(img), time.Now(), c.Bool("human"), c.Bool("no-trunc"))
			return rows.printOrIDs(c)
		}),
	}
}

// findImage finds an image or says in Docker's words that it isn't there.
func findImage(e *engine.Engine, name string) (*images.Image, error) {
	img, err := e.Images().Find(name)
	if errors.Is(err, images.ErrNotFound) {
		return nil, fmt.Errorf("%w: %s", engine.ErrNoImage, name)
	}
	return img, err
}

func historyTable(acts []images.Act, now time.Time, human, full bool) *table {
	t := &table{
		columns: []column{
			{"ID", "IMAGE"}, {"CreatedSince", "CREATED"}, {"CreatedAt", "CREATED AT"},
			{"CreatedBy", "CREATED BY"}, {"Size", "SIZE"}, {"Comment", "COMMENT"},
		},
		usual: []string{"ID", "CreatedSince", "CreatedBy", "Size", "Comment"},
	}
	if !human {
		t.usual[1] = "CreatedAt"
	}
	for _, act := range acts {
		id, by := string(act.ID), strings.ReplaceAll(act.CreatedBy, "\t", " ")
		if !full {
			id, by = short(id), ellipsis(by, 45)
		}
		if id == "" {
			id = "<missing>"
		}
		size := strconv.FormatInt(act.Size, 10)
		if human {
			size = units.HumanSizeWithPrecision(float64(act.Size), 3)
		}
		t.rows = append(t.rows, map[string]string{
			"ID": id, "CreatedBy": by, "Comment": act.Comment, "Size": size,
			"CreatedSince": ago(now, act.Created), "CreatedAt": act.Created.Format(time.RFC3339),
		})
	}
	return t
}
