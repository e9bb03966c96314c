package images

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	unionfs "cooper/stage04-unionfs"
	"cooper/stage04-unionfs/hardlayers"
	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

func TestALayerThatLeansIsCompletedOnThoseBelowIt(t *testing.T) {
	s := newStore(t)
	img := pulled(t, s, baseLayer(t, 0o1777, "one"), noteLayer(t), linkLayer(t))
	dirs := s.LayerDirs(img)
	require.Equal(t, []string{"chains", "chains", "layers"}, kindsOf(dirs))
	note := statOf(t, dirs[1]+"/tmp")
	require.Equal(t, []uint32{0o41777, 5}, []uint32{note.Mode, note.Uid})
	require.Equal(t, statOf(t, dirs[0]+"/bin/tool").Ino, statOf(t, dirs[0]+"/usr/tool").Ino)
	require.EqualValues(t, 0o40711, statOf(t, dirs[0]+"/bin").Mode)
	require.Equal(t, "one", readLayerFile(t, s, img, "usr/tool"))
	require.Empty(t, filesIn(t, s, "ingest"))
}

// The same two layers lie in three images. Were they kept by their diffIDs, the
// second image would run the first one's tool.
func TestNoImageGetsAFileOfAnothersThroughALayerThatTheyShare(t *testing.T) {
	s := newStore(t)
	evil := pulled(t, s, baseLayer(t, 0o777, "evil"), noteLayer(t), linkLayer(t))
	good := pulled(t, s, baseLayer(t, 0o1777, "good"), noteLayer(t), linkLayer(t))
	alone := pulled(t, s, noteLayer(t))
	require.Equal(t, "evil", readLayerFile(t, s, evil, "usr/tool"))
	require.Equal(t, "good", readLayerFile(t, s, good, "usr/tool"))
	require.EqualValues(t, 0o40777, statOf(t, s.LayerDirs(evil)[1]+"/tmp").Mode)
	require.EqualValues(t, 0o41777, statOf(t, s.LayerDirs(good)[1]+"/tmp").Mode)
	require.EqualValues(t, 0o40755, statOf(t, s.LayerDirs(alone)[0]+"/tmp").Mode)

	done, err := s.Remove(ShortID(evil.ID), true)
	require.NoError(t, err)
	require.Equal(t, "good", readLayerFile(t, s, good, "usr/tool"))
	require.Len(t, done.Deleted, 4, "the image, its base, and two chains: %v", done.Deleted)
	require.Len(t, filesIn(t, s, "chains"), 3)
	_, err = s.Prune()
	require.NoError(t, err)
	require.Equal(t, "a note", readLayerFile(t, s, good, "tmp/note"))
}

func TestAHardLinkIntoNothingIsRefusedAndNothingIsKept(t *testing.T) {
	for name, layers := range map[string][][]byte{
		"below is another file":   {packTar(t, aFile("bin/other", "x")), linkLayer(t)},
		"below it was removed":    {baseLayer(t, 0o755, "x"), packTar(t, aFile("bin/.wh.tool", "")), linkLayer(t)},
		"there is nothing below":  {linkLayer(t)},
		"the file comes later on": {linkLayer(t), baseLayer(t, 0o755, "x")},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			server := serve(t, imageOf(t, layers...), nil)
			_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
			require.ErrorIs(t, err, unionfs.ErrNoTarget)
			require.ErrorContains(t, err, `entry "usr/tool"`)
			require.Equal(t, contents(t, newStore(t)), contents(t, s))
		})
	}
}

// Half of the layer was never read when it turned out to lean: what it unpacks
// to is compared all the same.
func TestALayerThatLeansUnpacksToWhatTheConfigurationSays(t *testing.T) {
	f := imageOf(t, baseLayer(t, 0o755, "x"), linkLayer(t))
	f.config.RootFS.DiffIDs[1] = f.config.RootFS.DiffIDs[0][:70] + "0"
	s := newStore(t)
	server := serve(t, f, nil)
	_, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.True(t, IsRefused(err), "%v", err)
	require.ErrorContains(t, err, "the configuration says")
	require.Equal(t, contents(t, newStore(t)), contents(t, s))
}

func TestALayerThatLeansMayLieInAnImageTwice(t *testing.T) {
	s := newStore(t)
	harder := packTar(t, aDir("tmp/", 0o700, 9), aFile("bin/tool", "two"))
	img := pulled(t, s, baseLayer(t, 0o1777, "one"), noteLayer(t), linkLayer(t), harder, noteLayer(t), linkLayer(t))
	dirs := s.LayerDirs(img)
	require.Len(t, dirs, 6)
	require.EqualValues(t, 0o40700, statOf(t, dirs[1]+"/tmp").Mode)
	require.EqualValues(t, 0o41777, statOf(t, dirs[4]+"/tmp").Mode)
	require.Equal(t, "two", readLayerFile(t, s, img, "usr/tool"))
	tool, err := os.ReadFile(dirs[3] + "/usr/tool")
	require.NoError(t, err)
	require.Equal(t, "one", string(tool))
}

func TestALostChainIsUnpackedAgain(t *testing.T) {
	s := newStore(t)
	img := pulled(t, s, baseLayer(t, 0o1777, "one"), noteLayer(t), linkLayer(t))
	before := s.LayerDirs(img)
	require.NoError(t, os.RemoveAll(s.path("chains")))
	require.NoError(t, s.Unpack(context.Background(), img))
	require.Equal(t, before, s.LayerDirs(img))
	require.EqualValues(t, 0o41777, statOf(t, before[1]+"/tmp").Mode)
	require.Equal(t, "one", readLayerFile(t, s, img, "usr/tool"))
	require.Empty(t, filesIn(t, s, "ingest"))
}

func TestManyPullsOfImagesThatLeanGetAlong(t *testing.T) {
	s := newStore(t)
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			img := pulled(t, s, baseLayer(t, 0o1777, fmt.Sprint(n%2)), noteLayer(t), linkLayer(t), packTar(t, aFile(fmt.Sprint("own/", n), "")))
			require.Equal(t, fmt.Sprint(n%2), readLayerFile(t, s, img, "usr/tool"))
		})
	}
	all.Wait()
	require.Len(t, filesIn(t, s, "chains"), 2*2+8)
	require.Empty(t, filesIn(t, s, "ingest"))
}

// A container's commit leans on nothing, but an archive from elsewhere may, and
// the image must be the same for whoever pulls it.
func TestACommittedLayerThatLeansIsTheSameAfterPushAndPull(t *testing.T) {
	host := registrytest.Start(t)
	s, other := newStore(t), newStore(t)
	var img *Image
	for _, layer := range [][]byte{baseLayer(t, 0o1777, "one"), noteLayer(t), linkLayer(t)} {
		var err error
		img, err = s.Commit(context.Background(), CommitOptions{Parent: img, Layer: bytes.NewReader(layer), Name: host + "/leaning:1"})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"chains", "chains", "layers"}, kindsOf(s.LayerDirs(img)))
	_, err := Push(context.Background(), s, host+"/leaning:1", PushOptions{})
	require.NoError(t, err)
	same, err := Pull(context.Background(), other, host+"/leaning:1", PullOptions{})
	require.NoError(t, err)
	for n, dir := range s.LayerDirs(img) {
		require.Equal(t, layerCensus(t, dir), layerCensus(t, other.LayerDirs(same)[n]))
	}
}

// By hand: the layers below are mounted, tar unpacks the layer over them, and
// what the kernel then keeps in the upper directory is what we made of it.
func TestALayerThatLeansIsWhatTarMakesOverTheMountedUnion(t *testing.T) {
	host := registrytest.Start(t)
	base := packTar(t, aDir("bin/", 0o711, 3), aFile("bin/tool", "one"), aDir("tmp/", 0o1777, 5), aDir("a/", 0o2750, 7), aDir("a/b/", 0o700, 8))
	top := packTar(t, aFile("tmp/note", "x"), aFile("a/b/deep", "y"), aLink("tmp/tool", "bin/tool"), aLink("bin/other", "tmp/tool"))
	upload(t, host, "leaning", "1", imageOf(t, base, hardlayers.Empty(), top))
	s := newStore(t)
	img, err := Pull(context.Background(), s, host+"/leaning:1", PullOptions{})
	require.NoError(t, err)
	dirs := s.LayerDirs(img)

	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/layer.tar", top, 0o600))
	tool(t, "unshare", "--mount", "sh", "-euc", `cd "$0"; mkdir upper work merged
		mount -t overlay overlay -o "lowerdir=$1:$2,upperdir=upper,workdir=work,index=off" merged
		tar -x --same-owner -p -f layer.tar -C merged`, dir, dirs[1], dirs[2])
	require.Equal(t, layerCensus(t, dir+"/upper"), layerCensus(t, dirs[0]))
}

// What a pull leaves that was killed while it completed a layer.
func TestAChainOfTheDeadIsBegunAnewOrSweptAway(t *testing.T) {
	s := newStore(t)
	layers := [][]byte{baseLayer(t, 0o1777, "one"), linkLayer(t)}
	img := pulled(t, s, layers...)
	chain := chainsOf(img.Config.RootFS.DiffIDs)[1]
	die := func() {
		half := s.path("ingest", "chain-"+hexOf(chain))
		require.NoError(t, os.WriteFile(half, nil, 0o600))
		require.NoError(t, os.MkdirAll(half+".tree/usr/half", 0o755))
	}
	require.NoError(t, os.RemoveAll(s.chainPath(chain)))
	die()
	require.NoError(t, s.Unpack(context.Background(), img))
	require.Equal(t, "one", readLayerFile(t, s, img, "usr/tool"))
	require.NoDirExists(t, s.chainPath(chain)+"/usr/half")
	die()
	_, err := s.Prune()
	require.NoError(t, err)
	require.Empty(t, filesIn(t, s, "ingest"))
}

func TestALayerThatLeansIsCompletedWhenItComesInAnArchive(t *testing.T) {
	s, other := newStore(t), newStore(t)
	img := pulled(t, s, baseLayer(t, 0o1777, "one"), noteLayer(t), linkLayer(t))
	list := loaded(t, other, saved(t, s, ShortID(img.ID)))
	require.Equal(t, img.ID, list[0].ID)
	for n, dir := range s.LayerDirs(img) {
		require.Equal(t, layerCensus(t, dir), layerCensus(t, other.LayerDirs(img)[n]))
	}
}
