package docs

import (
	"fmt"
	"regexp"
	"strings"
)

// A listing in a chapter is a comment and a fenced block right below it:
//
//	<!-- listing: stage03-rootfs/pivot.go pivotRoot -->
//	```go
//	…the declaration, with its doc comment, filled in by a machine…
//	```
//
// The comment names a file from the repository's root and one or more of its
// declarations. The source knows nothing of the book: no markers stand in it,
// and a declaration may move within its file without a chapter noticing.
var listingPattern = regexp.MustCompile(`^<!-- listing: (\S+) (\S+(?: \S+)*) -->$`)

// Fill returns the page with every listing replaced by what its comment names,
// and whatever else it holds untouched. A comment without a block gets one.
// read returns a file's bytes by its path from the repository's root.
func Fill(page string, read func(path string) ([]byte, error)) (string, error) {
	lines := strings.Split(page, "\n")
	var out []string
	fenced := false // within a block that is no listing
	for i := 0; i < len(lines); i++ {
		out = append(out, lines[i])
		if strings.HasPrefix(lines[i], "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		ref := listingPattern.FindStringSubmatch(lines[i])
		if ref == nil {
			if strings.HasPrefix(lines[i], "<!-- listing:") {
				return "", fmt.Errorf("line %d: listing %q: write <!-- listing: FILE NAME -->", i+1, lines[i])
			}
			continue
		}
		code, err := listing(ref[1], strings.Fields(ref[2]), read)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		out = append(out, "```go", code, "```")
		if i, err = skipFence(lines, i); err != nil {
			return "", err
		}
	}
	return strings.Join(out, "\n"), nil
}

// listing joins the named declarations of one file with blank lines.
func listing(path string, names []string, read func(string) ([]byte, error)) (string, error) {
	source, err := read(path)
	if err != nil {
		return "", fmt.Errorf("listing %s: %w", path, err)
	}
	var parts []string
	for _, name := range names {
		part, err := Declaration(path, source, name)
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "\n\n"), nil
}

// skipFence returns the index of the last line of the fenced block that starts
// right below line i, or i where there is none.
func skipFence(lines []string, i int) (int, error) {
	if i+1 >= len(lines) || !strings.HasPrefix(lines[i+1], "```") {
		return i, nil
	}
	for end := i + 2; end < len(lines); end++ {
		if lines[end] == "```" {
			return end, nil
		}
	}
	return 0, fmt.Errorf("line %d: the block is never closed", i+2)
}
