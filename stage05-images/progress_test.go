package images

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProgressIsALineALayer(t *testing.T) {
	var out bytes.Buffer
	p := &plain{out: &out, states: map[string]string{}}
	p.Say("pulling")
	p.Layer("abc", "Downloading", 1, 10)
	p.Layer("abc", "Downloading", 5, 10)
	p.Layer("abc", "Complete", 10, 10)
	require.Equal(t, "pulling\nabc: Downloading\nabc: Complete\n", out.String())

	out.Reset()
	screen := newTerminal(&out, func() (int, int) { return 40, 3 })
	screen.Layer("abc", "Waiting", 0, 0)
	screen.Layer("def", "Downloading", 5_000_000, 10_000_000)
	require.Equal(t, "\rabc: Waiting\x1b[K\n\x1b[1A\rabc: Waiting\x1b[K\n\rdef: Downloading [============>        \x1b[K\n", out.String())
	out.Reset()
	screen.Layer("def", "Downloading", 5_000_001, 10_000_000)
	require.Empty(t, out.String(), "numbers alone are drawn ten times a second")
	screen.Layer("ghi", "Waiting", 0, 0)
	require.Equal(t, "\x1b[2A\rdef: Downloading [============>        \x1b[K\n\rghi: Waiting\x1b[K\n", out.String(), "a low terminal shows the last ones")
}
