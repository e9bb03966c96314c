package docs

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	texts := pages(t)
	for _, from := range inOrder(texts) {
		t.Run(from, func(t *testing.T) {
			for _, link := range ParsePage(texts[from]).Links {
				if strings.Contains(link.Target, "://") {
					continue // the wide world changes without us
				}
				require.NoError(t, follow(texts, from, link.Target), "%s:%d", from, link.Line)
			}
		})
	}
}

// follow looks for the file and the heading that a link on a page names.
func follow(texts map[string]string, from, target string) error {
	file, anchor, _ := strings.Cut(target, "#")
	to := from
	if file != "" {
		to = path.Join(path.Dir(from), file)
	}
	if _, err := os.Stat(filepath.Join(root, to)); err != nil {
		return fmt.Errorf("follow the link %s: %w", target, err)
	}
	if anchor == "" {
		return nil
	}
	for _, heading := range ParsePage(texts[to]).Headings {
		if Anchor(heading.Text) == anchor {
			return nil
		}
	}
	return fmt.Errorf("follow the link %s: %s has no such heading", target, to)
}

func TestAHeadingsAnchorIsMadeAsGitHubMakesIt(t *testing.T) {
	for heading, want := range map[string]string{
		"rootfs/pivot_root":       "rootfspivot_root",
		"What goes wrong":         "what-goes-wrong",
		"PID 1's duties":          "pid-1s-duties",
		"`unshare` by hand, root": "unshare-by-hand-root",
		"Über alles":              "über-alles",
	} {
		require.Equal(t, want, Anchor(heading))
	}
}

func TestAPageIsReadWithoutItsCode(t *testing.T) {
	page := ParsePage(strings.Join([]string{
		"# Title", "", "One [link](a.md#b)", "goes on ![here](b.svg).", "", "<!-- note -->", "Two `[none](x)`.", "",
		"```console", "# not a heading", "[not](a-link)", "```", "", "## Next", "#include is no heading",
	}, "\n"))
	require.Equal(t, []Heading{{1, 1, "Title", 2}, {14, 2, "Next", 1}}, page.Headings)
	require.Equal(t, []Link{{3, "a.md#b"}, {4, "b.svg"}}, page.Links)
	require.Equal(t, []Fence{{9, "console", []string{"# not a heading", "[not](a-link)"}}}, page.Fences)
}
