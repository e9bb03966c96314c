package images

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// As soon as the waiter has the lock its context ends: that is no reason to take
// the lock away from it.
func TestALockThatCameStaysWhenItsContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var files []*os.File
	for range 300 {
		holder, err := lockFile(context.Background(), path)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		came := make(chan *os.File)
		go func() {
			file, err := lockFile(ctx, path)
			cancel()
			if err != nil {
				file = nil
			}
			came <- file
		}()
		require.NoError(t, holder.Close())
		file := <-came
		require.NotNil(t, file)
		files = append(files, file)
		require.NoError(t, os.Remove(path)) // the next one has a lock of its own
	}
	for _, file := range files {
		require.NoError(t, file.Close())
	}
}

func TestAWaitForALockEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	holder, err := lockFile(context.Background(), path)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = lockFile(ctx, path)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, holder.Close())
	again, err := lockFile(context.Background(), path)
	require.NoError(t, err)
	require.NoError(t, again.Close())
}
