package images

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProgressInAFileIsALineForEachState(t *testing.T) {
	var out bytes.Buffer
	p := &plain{out: &out, states: map[string]string{}}
	p.Say("pulling")
	p.Layer("abc", "Downloading", 1, 10)
	p.Layer("abc", "Downloading", 5, 10)
	p.Layer("abc", "Pull complete", 0, 0)
	require.Equal(t, "pulling\nabc: Downloading\nabc: Pull complete\n", out.String())
}

// screen is a terminal whose size and clock the test moves.
type screen struct {
	*terminal
	out           bytes.Buffer
	width, height int
	clock         time.Time
}

func newScreen(width, height int) *screen {
	s := &screen{width: width, height: height, clock: time.Unix(1e9, 0)}
	s.terminal = newTerminal(&s.out, func() (int, int) { return s.width, s.height })
	s.now = func() time.Time { return s.clock }
	return s
}

// took returns what was written since the last time.
func (s *screen) took() string {
	defer s.out.Reset()
	return s.out.String()
}

func TestANameInAnArchiveDoesNothingToTheTerminal(t *testing.T) {
	var out bytes.Buffer
	archive := archiveOf(t, file{name: "\x1b[2J.tar", content: string(tarOf(t, "x=1"))}, file{name: "a\nb: Complete\n.tar", content: string(tarOf(t, "x=2"))})
	_, err := newStore(t).Load(t.Context(), bytes.NewReader(archive), &plain{out: &out, states: map[string]string{}})
	require.ErrorIs(t, err, errArchive)
	require.Equal(t, `\x1b[2J.tar: Loading layer
\x1b[2J.tar: Complete
a\nb: Complete\n.tar: Loading layer
a\nb: Complete\n.tar: Complete
`, out.String())
}

func TestProgressOnATerminalIsDrawnOverItself(t *testing.T) {
	s := newScreen(80, 24)
	s.Layer("abc", "Waiting", 0, 0)
	s.Layer("def", "Downloading", 0, 10_000_000)
	require.Equal(t, "\rabc: Waiting\x1b[K\n\x1b[1A\rabc: Waiting\x1b[K\n\rdef: Downloading [>                         ]       0B/10MB\x1b[K\n", s.took())
	s.Layer("def", "Downloading", 5_000_000, 10_000_000)
	require.Empty(t, s.took(), "numbers alone are drawn ten times a second")
	s.clock = s.clock.Add(2 * time.Second)
	s.Layer("def", "Downloading", 5_000_000, 10_000_000)
	require.Contains(t, s.took(), "def: Downloading [============>             ]      5MB/10MB  2.5MB/s")
	s.Say("Digest: x")
	s.took()
	s.Layer("ghi", "Waiting", 0, 0)
	require.Equal(t, "\rghi: Waiting\x1b[K\n", s.took(), "what is said stays above")
}

func TestProgressFitsANarrowTerminal(t *testing.T) {
	for width := 1; width < 120; width++ {
		s := newScreen(width, 24)
		s.Layer("3b1a6c9e0d4f", "Downloading", 123_400_000, 456_700_000)
		s.clock = s.clock.Add(2 * time.Second)
		s.Layer("3b1a6c9e0d4f", "Downloading", 323_400_000, 456_700_000)
		for line := range strings.SplitSeq(s.took(), "\n") {
			line = strings.TrimPrefix(line, "\x1b[1A")
			require.Less(t, len(strings.TrimSuffix(strings.TrimPrefix(line, "\r"), "\x1b[K")), max(2, width), "%d: %q", width, line)
		}
	}
}

func TestATerminalThatBecomesNarrowerIsNotOverwritten(t *testing.T) {
	s := newScreen(80, 24)
	s.Layer("abc", "Waiting", 0, 0)
	s.took()
	s.width = 40
	s.Layer("abc", "Downloading", 1, 10)
	require.NotContains(t, s.took(), "\x1b[1A")
	s.Layer("abc", "Pull complete", 0, 0)
	require.Contains(t, s.took(), "\x1b[1A")
}

func TestOfMoreLayersThanRowsThoseAtWorkAreShown(t *testing.T) {
	s := newScreen(80, 6)
	for i := range 100 {
		s.Layer(fmt.Sprint("layer", i), "Waiting", 0, 0)
	}
	s.took()
	s.Layer("layer0", "Pull complete", 0, 0)
	s.Layer("layer50", "Downloading", 5, 10)
	s.took()
	s.Layer("layer51", "Downloading", 1, 10)
	drawn := s.took()
	require.Contains(t, drawn, "layer50: Downloading")
	require.Contains(t, drawn, "layer51: Downloading")
	require.Contains(t, drawn, "98 of 100 layers are done, or wait")
	require.NotContains(t, drawn, "layer0:")
	require.Equal(t, 3, strings.Count(drawn, "\n"))
	for i := range 20 {
		s.Layer(fmt.Sprint("layer", i), "Downloading", 1, 10)
	}
	s.took()
	s.Layer("layer99", "Downloading", 1, 10)
	require.LessOrEqual(t, strings.Count(s.took(), "\n"), 5)
}
