package images

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	unionfs "cooper/stage04-unionfs"
	"cooper/stage04-unionfs/hardlayers"
	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// entryOf is an entry of an archive that a test makes.
type entryOf struct {
	tar.Header
	body string
}

func aFile(name, body string) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(body)), Mode: 0o644}, body}
}

func aDir(name string, mode int64, uid int) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: uid}, ""}
}

func aLink(name, target string) entryOf {
	return entryOf{tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target, Mode: 0o644}, ""}
}

// packTar packs entries that all have the same date.
func packTar(t testing.TB, entries ...entryOf) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, entry := range entries {
		entry.ModTime = time.Unix(1e9, 0)
		require.NoError(t, w.WriteHeader(&entry.Header))
		_, err := w.Write([]byte(entry.body))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// The layers of the tests: a base with a /tmp and a tool, a file in /tmp
// without the directory, and a second name for the tool.
func baseLayer(t testing.TB, mode int64, tool string) []byte {
	return packTar(t, aDir("bin/", 0o711, 3), aFile("bin/tool", tool), aDir("tmp/", mode, 5))
}

func noteLayer(t testing.TB) []byte { return packTar(t, aFile("tmp/note", "a note")) }
func linkLayer(t testing.TB) []byte {
	return packTar(t, aDir("usr/", 0o755, 0), aLink("usr/tool", "bin/tool"))
}

func pulled(t testing.TB, s *Store, layers ...[]byte) *Image {
	t.Helper()
	server := serve(t, imageOf(t, layers...), nil)
	img, err := Pull(context.Background(), s, server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	return img
}

func statOf(t testing.TB, path string) unix.Stat_t {
	t.Helper()
	var stat unix.Stat_t
	require.NoError(t, unix.Lstat(path, &stat))
	return stat
}

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

func kindsOf(dirs []string) (kinds []string) {
	for _, dir := range dirs {
		kinds = append(kinds, filepath.Base(filepath.Dir(dir)))
	}
	return kinds
}

func filesIn(t testing.TB, s *Store, name string) (names []string) {
	entries, err := readDir(s.path(name))
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
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

// layerCensus leaves out when directories were changed last: tar has just
// written in them.
func layerCensus(t testing.TB, dir string) string {
	t.Helper()
	list, err := hardlayers.Census(dir)
	require.NoError(t, err)
	lines := regexp.MustCompile(`(" 4[0-7]{4} \d+:\d+) \d+\.\d{9}`).ReplaceAllString(list, "$1")
	return strings.Join(slices.DeleteFunc(strings.Split(lines, "\n"), func(line string) bool { return strings.HasPrefix(line, `"." `) }), "\n")
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
