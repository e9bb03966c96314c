package images

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestADamagedImageWithoutANameIsPrunedSinceNothingElseCouldRemoveIt(t *testing.T) {
	s := newStore(t)
	lost, kept, named := put(t, s, "a", nil, "x=1"), put(t, s, "a", nil, "x=2"), put(t, s, "a", nil, "x=3")
	damaged := put(t, s, "b", nil, "x=4")
	damage(t, s.blobPath(lost.ID))
	require.ErrorIs(t, s.Collect(), ErrCorrupt, "it blocks every removal")
	_, err := s.PruneChosen(func(*Image) bool { return false })
	require.NoError(t, err)
	require.NoFileExists(t, s.blobPath(lost.ID))
	require.FileExists(t, s.blobPath(kept.ID))

	damage(t, s.blobPath(damaged.ID))
	_, err = s.PruneChosen(func(img *Image) bool { return len(img.Names) == 0 })
	require.ErrorIs(t, err, ErrCorrupt, "one with a name is the user's to remove")
	_, err = s.Remove("b", false)
	require.NoError(t, err)
	require.NoFileExists(t, s.blobPath(kept.ID), "it was chosen")
	require.FileExists(t, s.blobPath(named.ID))
}
