package docs

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// picturePattern is ![what it shows](pictures/name.svg).
var picturePattern = regexp.MustCompile(`!\[([^\]]*)\]\(pictures/([^)]+)\)`)

func TestEveryPictureIsOnAPageAndDescribedThere(t *testing.T) {
	shown := map[string]bool{}
	for path, text := range pages(t) {
		for _, match := range picturePattern.FindAllStringSubmatch(text, -1) {
			require.Greater(t, len(strings.Fields(match[1])), 5, "%s: say what %s shows, for who can't see it", path, match[2])
			shown[match[2]] = true
		}
	}
	files, err := filepath.Glob("pictures/*")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		require.True(t, shown[filepath.Base(file)], "no page shows %s", file)
	}
}

func TestEveryPictureStandsForItselfInLightAndDark(t *testing.T) {
	files, err := filepath.Glob("pictures/*.svg")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Empty(t, flawOf(string(text)), file)
	}
}

// flawOf says what a picture lacks, or "": it is well-formed, has a title, a
// paper of its own to be read on, colours for a dark page, and nothing that
// would be fetched from elsewhere or run.
func flawOf(picture string) string {
	decoder := xml.NewDecoder(strings.NewReader(picture))
	elements := map[string]int{}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err.Error()
		}
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
	switch {
	case elements["svg"] != 1 || elements["title"] != 1:
		return "one svg with one title"
	case elements["script"]+elements["image"]+elements["foreignObject"]+elements["a"] > 0:
		return "something that is fetched or run"
	case !strings.Contains(picture, `class="paper"`):
		return "no paper: on a page of the ink's colour it can't be read"
	case !strings.Contains(picture, "@media (prefers-color-scheme:dark)"):
		return "no colours for a dark page"
	}
	return ""
}

func TestAFlawOfAPictureIsFound(t *testing.T) {
	const whole = `<svg><title>t</title><style>@media (prefers-color-scheme:dark){}</style><rect class="paper"/></svg>`
	require.Empty(t, flawOf(whole))
	for replaced, by := range map[string]string{
		"</svg>": "", "<title>t</title>": "", `class="paper"`: "", "prefers-color-scheme:dark": "print", "<rect": "<image/><rect",
	} {
		require.NotEmpty(t, flawOf(strings.Replace(whole, replaced, by, 1)), "without %s", replaced)
	}
}
