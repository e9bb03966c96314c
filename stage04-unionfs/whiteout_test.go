package unionfs

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhiteoutsHideOnlyWhatLiesBelowWhereverTheyStand(t *testing.T) {
	needRoot(t)
	marks := map[string]string{ // of name x, after each order of entries
		"gone":   "a whiteout",
		"file":   "a file",
		"opaque": "an opaque directory",
		"merged": "a directory",
	}
	for _, c := range []struct {
		name  string
		items []item
		want  string
	}{
		{"a whiteout alone", []item{file(".wh.x", "")}, "gone"},
		{"a whiteout twice", []item{file(".wh.x", ""), file(".wh.x", "")}, "gone"},
		{"before the file", []item{file(".wh.x", ""), file("x", "new")}, "file"},
		{"after the file", []item{file("x", "new"), file(".wh.x", "")}, "file"},
		{"before the directory", []item{file(".wh.x", ""), dir("x/"), file("x/y", "")}, "opaque"},
		{"after the directory", []item{dir("x/"), file("x/y", ""), file(".wh.x", "")}, "opaque"},
		{"before a file in the directory", []item{file(".wh.x", ""), file("x/y", "")}, "opaque"},
		{"opaque before its directory", []item{file("x/.wh..wh..opq", ""), dir("x/"), file("x/y", "")}, "opaque"},
		{"opaque after its files", []item{dir("x/"), file("x/y", ""), file("x/.wh..wh..opq", "")}, "opaque"},
		{"a directory without marks", []item{dir("x/"), file("x/y", "")}, "merged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := applied(t, c.items...)
			stat := lstat(t, root+"/x")
			got := "a file"
			switch {
			case isWhiteout(stat):
				got = "a whiteout"
			case isDir(stat) && attribute(t, root+"/x", opaqueXattr()) == "y":
				got = "an opaque directory"
			case isDir(stat):
				got = "a directory"
			}
			require.Equal(t, marks[c.want], got)
			if isDir(stat) {
				require.FileExists(t, root+"/x/y")
			}
			names, err := filepath.Glob(root + "/*/.wh.*")
			require.NoError(t, err)
			require.Empty(t, names, "the marker itself isn't a file of the layer")
		})
	}
}

func TestWhatAUFSLeftBehindIsSkipped(t *testing.T) {
	needRoot(t)
	root := applied(t, file(".wh..wh.aufs", ""), dir(".wh..wh.plnk/"), file(".wh..wh.plnk/1.2", "x"),
		dir("d/"), file("d/.wh..wh.orph/deep/er", "x"), file("d/f", ""))
	require.Equal(t, []string{"d", "f"}, append(names(t, root), names(t, root+"/d")...))
}
