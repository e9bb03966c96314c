package images

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

func TestAPullThatWasKilledIsCompletedByTheNext(t *testing.T) {
	var files []string
	for i := range 300 {
		files = append(files, fmt.Sprintf("f%04d=%s", i, noise(300)))
	}
	f := madeImage(t, files, []string{"big=" + noise(2_000_000)})
	server := serve(t, f, nil)
	name := server.host() + "/x:1"
	for _, reports := range []int{1, 2, 3, 5, 10, 20, 40, 80} {
		s := newStore(t)
		killAfter(t, reports, s.Dir(), name)
		img, err := Pull(context.Background(), s, name, PullOptions{})
		require.NoError(t, err, "after %d reports", reports)
		require.Len(t, readLayerFile(t, s, img, "f0299"), 300)
		require.Len(t, readLayerFile(t, s, img, "big"), 2_000_000)
		_, err = s.Prune()
		require.NoError(t, err)
		requireClean(t, s)
	}
}

// killAfter lets a process pull until it has reported so often, and kills it.
func killAfter(t *testing.T, reports int, dir, name string) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", "pull", dir, name)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for reports > 0 && lines.Scan() {
		reports--
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
}

func TestADamagedBlobIsFetchedAgainAndNoOther(t *testing.T) {
	f := madeImage(t, []string{"x=1"}, []string{"y=1"})
	server := serve(t, f, nil)
	s := newStore(t)
	img, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	path := s.blobPath(img.Manifest.Layers[0].Digest)
	require.NoError(t, os.WriteFile(path, make([]byte, img.Manifest.Layers[0].Size), 0o600))
	require.NoError(t, os.RemoveAll(s.layerPath(img.Config.RootFS.DiffIDs[0])))
	require.NoError(t, os.Remove(s.blobPath(img.ID)))

	require.ErrorIs(t, s.Unpack(context.Background(), img), ErrCorrupt)
	img, err = Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
	require.Equal(t, 2, server.count("GET", img.Manifest.Layers[0].Digest.String()))
	require.Equal(t, 1, server.count("GET", img.Manifest.Layers[1].Digest.String()))
	require.Equal(t, 2, server.count("GET", img.ID.String()))
}

// A flipped bit doesn't change a blob's length, so nobody sees it until the blob
// is read.
func TestADamagedBlobIsNotPassedOnAndTheNextPullMendsIt(t *testing.T) {
	f := madeImage(t, []string{"x=1", "big=" + noise(500_000)})
	server := serve(t, f, nil)
	s := newStore(t)
	img, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	layer := img.Manifest.Layers[0]
	whole, err := os.ReadFile(s.blobPath(layer.Digest))
	require.NoError(t, err)
	damaged := slices.Clone(whole)
	damaged[len(damaged)/2] ^= 1
	require.NoError(t, os.WriteFile(s.blobPath(layer.Digest), damaged, 0o600))

	other := registrytest.Start(t)
	require.NoError(t, s.Tag(server.host()+"/x:1", other+"/x:1"))
	_, err = Push(context.Background(), s, other+"/x:1", PushOptions{})
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, "pull the image again")
	require.Equal(t, "1", readLayerFile(t, s, img, "x"), "what is unpacked is run all the same")

	_, err = Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	mended, err := os.ReadFile(s.blobPath(layer.Digest))
	require.NoError(t, err)
	require.Equal(t, whole, mended)
	_, err = Push(context.Background(), s, other+"/x:1", PushOptions{})
	require.NoError(t, err)
}

func TestBytesThatWereKeptButDamagedAreNotBlamedOnTheRegistry(t *testing.T) {
	f := madeImage(t, []string{"x=1", "big=" + noise(100_000)})
	server := serve(t, f, nil)
	s := newStore(t)
	layer := f.manifest.Layers[0]
	require.NoError(t, os.WriteFile(s.path("ingest", hexOf(layer.Digest)), make([]byte, 5000), 0o600))
	img, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	require.Equal(t, "1", readLayerFile(t, s, img, "x"))
}
