package docs

import (
	"regexp"
	"strings"
	"unicode"
)

// Page is what the tests need to know of a Markdown file.
type Page struct {
	Headings []Heading
	Fences   []Fence
	Links    []Link
}

// Heading is a line that begins with #. Prose counts what follows it, up to
// the next heading, in paragraphs.
type Heading struct {
	Line  int // from 1
	Level int // 1 for the page's title
	Text  string
	Prose int
}

// Fence is a block between two lines of backticks.
type Fence struct {
	Line     int    // of the opening backticks, from 1
	Language string // the word behind them: "go", "console", "text"
	Lines    []string
}

// Link is the target of [text](target) or ![text](target).
type Link struct {
	Line   int
	Target string
}

var (
	linkPattern = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	codePattern = regexp.MustCompile("`[^`]*`")
)

// ParsePage reads the few things of Markdown that this book uses: headings
// with #, fences of three backticks that stand at the line's beginning, inline
// links.
func ParsePage(text string) Page {
	var page Page
	var fence *Fence
	inParagraph := false
	for i, line := range strings.Split(text, "\n") {
		if rest, mark := strings.CutPrefix(line, "```"); mark {
			if fence == nil {
				fence = &Fence{Line: i + 1, Language: rest}
			} else {
				page.Fences = append(page.Fences, *fence)
				fence = nil
			}
			inParagraph = false
			continue
		}
		if fence != nil {
			fence.Lines = append(fence.Lines, line)
			continue
		}
		if level := headingLevel(line); level > 0 {
			page.Headings = append(page.Headings, Heading{Line: i + 1, Level: level, Text: strings.TrimSpace(line[level:])})
			inParagraph = false
			continue
		}
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "<!--") {
			inParagraph = false
			continue
		}
		if !inParagraph && len(page.Headings) > 0 {
			page.Headings[len(page.Headings)-1].Prose++
		}
		inParagraph = true
		for _, match := range linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(line, ""), -1) {
			page.Links = append(page.Links, Link{Line: i + 1, Target: match[1]})
		}
	}
	return page
}

// headingLevel counts the #s of a heading; a line without a blank behind them
// is none.
func headingLevel(line string) int {
	level := len(line) - len(strings.TrimLeft(line, "#"))
	if level == 0 || level > 6 || !strings.HasPrefix(line[level:], " ") {
		return 0
	}
	return level
}

// Anchor returns what a heading is called in a link, as GitHub and its kin
// make it: lower case, blanks to dashes, punctuation gone. So
// "rootfs/pivot_root" is #rootfspivot_root.
func Anchor(heading string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(heading) {
		switch {
		case r == ' ':
			b.WriteRune('-')
		case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
			b.WriteRune(r)
		}
	}
	return b.String()
}
