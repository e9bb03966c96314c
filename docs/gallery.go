package docs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// An attack gallery is a section of a chapter: attacks that succeed one stage
// earlier and fail from this stage on. It begins with three blocks of shell,
// in this order:
//
//	```sh
//	unshare --pid --fork … sh              the machine that is attacked: one to throw away
//	```
//	```sh
//	inside() { "$@"; }                     how the attacker is held one stage earlier
//	```
//	```sh
//	inside() { stage01 run "$@"; }         and from here on
//	```
//
// Then comes a table with a row for each attack, its name a link, and what is
// seen on the terminal either time. Below, each attack has a heading and a
// block of shell, which calls inside for whatever the attacker does:
//
//	| attack | before | from here on |
//	|---|---|---|
//	| [Kill a neighbour](#kill-a-neighbour) | `dead` | `No such process`<br>`alive` |
//
//	### Kill a neighbour
//
//	```sh
//	sleep 1000 & neighbour=$!
//	inside kill -KILL $neighbour
//	…
//	```
//
// "…" and "..." stand for what differs, as in a console block.
const galleryHeading = "The attack gallery"

// Gallery is a chapter's attacks, and the two ways of holding the attacker.
type Gallery struct {
	Machine, Before, Now string // shell: a command that takes a script, and two definitions of inside
	Attacks              []Attack
}

// Attack is one row of the table and the script that it stands for.
type Attack struct {
	Line        int // of the row in the page, from 1
	Name        string
	Script      string
	Before, Now []string // what the script prints, by lines
}

// galleryRow is | [name](#anchor) | before | now |.
var galleryRow = regexp.MustCompile(`^\| \[([^\]]+)\]\(#([^)]+)\) \| (.+) \| (.+) \|$`)

// ParseGallery reads the gallery of a chapter. A page without one has no
// attacks, and that is no error.
func ParseGallery(text string) (Gallery, error) {
	page := ParsePage(text)
	headings := gallerySection(page)
	if headings == nil {
		return Gallery{}, nil
	}
	held, err := shellBlocks(page, headings[0], 3)
	if err != nil {
		return Gallery{}, err
	}
	gallery := Gallery{Machine: held[0], Before: held[1], Now: held[2]}
	rows, err := galleryRows(text, headings[0])
	if err != nil {
		return Gallery{}, err
	}
	exhibits := headings[1:]
	if len(rows) != len(exhibits) {
		return Gallery{}, fmt.Errorf("the table has %d rows, and %d attacks stand below it", len(rows), len(exhibits))
	}
	for i, row := range rows {
		if row.Name != exhibits[i].Text {
			return Gallery{}, fmt.Errorf("line %d: the table tells of %q where %q stands below", row.Line, row.Name, exhibits[i].Text)
		}
		script, err := shellBlocks(page, exhibits[i], 1)
		if err != nil {
			return Gallery{}, err
		}
		row.Script = script[0]
		gallery.Attacks = append(gallery.Attacks, row)
	}
	return gallery, nil
}

// gallerySection returns the section's heading and those below it.
func gallerySection(page Page) []Heading {
	start := slices.IndexFunc(page.Headings, func(h Heading) bool { return h.Text == galleryHeading })
	if start < 0 {
		return nil
	}
	section := page.Headings[start:]
	if end := slices.IndexFunc(section[1:], func(h Heading) bool { return h.Level <= section[0].Level }); end >= 0 {
		section = section[:end+1]
	}
	return section
}

// shellBlocks returns the n blocks of shell that stand between a heading and
// the next.
func shellBlocks(page Page, heading Heading, n int) ([]string, error) {
	end := int(^uint(0) >> 1)
	if i := slices.Index(page.Headings, heading); i+1 < len(page.Headings) {
		end = page.Headings[i+1].Line
	}
	var blocks []string
	for _, fence := range page.Fences {
		if fence.Language == "sh" && fence.Line > heading.Line && fence.Line < end {
			blocks = append(blocks, strings.Join(fence.Lines, "\n"))
		}
	}
	if len(blocks) != n {
		return nil, fmt.Errorf("line %d: %q has %d blocks of shell, and the gallery takes %d there", heading.Line, heading.Text, len(blocks), n)
	}
	return blocks, nil
}

// galleryRows reads the table right below the gallery's heading.
func galleryRows(text string, heading Heading) (rows []Attack, err error) {
	for i, line := range strings.Split(text, "\n") {
		if i < heading.Line || !strings.HasPrefix(line, "| ") {
			if len(rows) > 0 {
				return rows, nil
			}
			continue
		}
		row := galleryRow.FindStringSubmatch(line)
		if row == nil {
			if len(rows) > 0 {
				return nil, fmt.Errorf("line %d: a row is | [name](#anchor) | `before` | `now` |", i+1)
			}
			continue // the table's head
		}
		if row[2] != Anchor(row[1]) {
			return nil, fmt.Errorf("line %d: the row's link leads to #%s instead of #%s", i+1, row[2], Anchor(row[1]))
		}
		attack := Attack{Line: i + 1, Name: row[1]}
		if attack.Before, err = outcome(row[3]); err == nil {
			attack.Now, err = outcome(row[4])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		rows = append(rows, attack)
	}
	return rows, nil
}

// outcome reads a cell: lines in backticks with <br> between them, or the word
// *nothing*.
func outcome(cell string) (lines []string, err error) {
	if cell == "*nothing*" {
		return nil, nil
	}
	for _, line := range strings.Split(cell, "<br>") {
		inner, opened := strings.CutPrefix(line, "`")
		inner, closed := strings.CutSuffix(inner, "`")
		if !opened || !closed || strings.Contains(inner, "`") {
			return nil, fmt.Errorf("a cell is `line`<br>`line` or *nothing*, not %s", cell)
		}
		lines = append(lines, inner)
	}
	return lines, nil
}
