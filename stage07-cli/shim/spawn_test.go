package shim

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

// Numbers of descriptors that others set free in between are given to what a
// fork needs: none of them may take the binary's place.
func TestAShimIsBornAmongManyGoroutines(t *testing.T) {
	stop := make(chan struct{})
	var others sync.WaitGroup
	for range 4 {
		others.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				files := make([]*os.File, 8)
				for i := range files {
					files[i], _ = os.Open(os.DevNull)
				}
				for _, file := range files {
					file.Close()
				}
			}
		})
	}
	defer func() {
		close(stop)
		others.Wait()
	}()
	for range 200 {
		client, err := Spawn()
		require.NoError(t, err)
		require.NoError(t, client.Close())
	}
}
