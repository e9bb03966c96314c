package images

import (
	"context"
	"os"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

// Between the moment in which a blob gets its name and the one in which its pull
// ends, the next pull may unpack the same layer onto others, where it leans.
func TestAnIngestThatIsPublishedTouchesNothingOfTheNextOne(t *testing.T) {
	s := newStore(t)
	ctx := context.Background()
	key := hexOf(digest.FromString("a layer"))
	first, err := s.ingest(ctx, key)
	require.NoError(t, err)
	_, err = first.file.WriteString("a layer")
	require.NoError(t, err)
	first.blob = digest.FromString("a layer")
	require.NoError(t, os.Mkdir(first.tree(), 0o755)) // leans on what nobody looked at
	require.NoError(t, s.publish([]*ingest{first}))
	require.NoDirExists(t, first.tree(), "with the lock's name gone, nobody would sweep it")

	second, err := s.ingest(ctx, key)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(second.tree(), 0o755))
	first.abandon()
	require.DirExists(t, second.tree())
	require.FileExists(t, second.path)
	second.abandon()
	requireClean(t, s)
}
