package images

import (
	"os"
	"path/filepath"
	"testing"

	"cooper/stage05-images/flock"

	"github.com/stretchr/testify/require"
)

// Whether the waiter opened it before or after: what it has locked is the file
// that has the name.
func TestALockedFileIsTheOneThatHasTheName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	for range 300 {
		holder, err := lockFile(path, flock.Lock)
		require.NoError(t, err)
		came := make(chan *os.File)
		go func() {
			file, _ := lockFile(path, flock.Lock)
			came <- file
		}()
		require.NoError(t, os.Remove(path))
		require.NoError(t, holder.Close())
		file := <-came
		require.NotNil(t, file)
		require.True(t, flock.Named(file))
		require.NoError(t, file.Close())
	}
}
