package engine_test

import (
	"testing"

	"cooper/stage07-cli/engine"

	"github.com/stretchr/testify/require"
)

// As in Docker: by force a stopped container's image loses its names, and the
// container keeps what it stands on for as long as it is there.
func TestAContainerOutlivesItsImage(t *testing.T) {
	b := newBench(t)
	id, err := b.Create(t.Context(), options("echo", "still here"))
	require.NoError(t, err)
	_, err = b.RemoveImage(t.Context(), "base", false)
	require.ErrorIs(t, err, engine.ErrConflict)
	img, err := b.Images().Find("base")
	require.NoError(t, err)
	_, err = b.RemoveImage(t.Context(), "base", true)
	require.NoError(t, err)
	_, err = b.Images().Find("base")
	require.Error(t, err)

	out := newTap()
	s, err := b.Start(t.Context(), id, engine.StartOptions{Attach: &engine.Streams{Out: out}})
	require.NoError(t, err)
	end, err := s.Wait()
	require.NoError(t, err)
	require.Zero(t, end.ExitCode)
	require.Equal(t, "still here\n", out.String())

	require.DirExists(t, b.Images().LayerDirs(img)[0])
	require.NoError(t, b.Remove(t.Context(), id, engine.RemoveOptions{}))
	require.NoDirExists(t, b.Images().LayerDirs(img)[0], "the last one takes the layers along")
}
