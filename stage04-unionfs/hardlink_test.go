package unionfs

import (
	"archive/tar"
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestAHardLinkToALowerLayersFileBringsTheFileUp(t *testing.T) {
	needRoot(t)
	bottom := applied(t, dir("bin/").with(func(h *tar.Header) { h.Mode, h.Uid = 0o711, 3 }),
		records(file("bin/tool", "a program"), "SCHILY.xattr.user.note", "kept").with(func(h *tar.Header) { h.Mode, h.Uid = 0o4755, 9 }))
	middle := applied(t, file("etc/other", ""))
	root := t.TempDir()
	layer := archive(t, hardlink("usr/tool", "bin/tool"))
	applier := Applier{Limits: DefaultLimits(), Lower: []string{middle, bottom}}
	leaning, err := applier.Apply(context.Background(), root, layer)
	require.NoError(t, err)
	require.Equal(t, Leaning{Dirs: []string{"bin", "usr"}, Links: true}, leaning)

	require.Equal(t, "a program", slurp(t, root+"/usr/tool"))
	up, link := lstat(t, root+"/bin/tool"), lstat(t, root+"/usr/tool")
	require.Equal(t, up.Ino, link.Ino, "both names are one file in the union, too")
	require.EqualValues(t, unix.S_IFREG|0o4755, link.Mode)
	require.EqualValues(t, 9, link.Uid)
	require.Equal(t, day.UnixNano(), link.Mtim.Nano())
	require.Equal(t, "kept", attribute(t, root+"/usr/tool", "user.note"))
	parent := lstat(t, root+"/bin")
	require.EqualValues(t, unix.S_IFDIR|0o711, parent.Mode, "the directory looks as it does below")
	require.EqualValues(t, 3, parent.Uid)
	require.Equal(t, day.UnixNano(), parent.Mtim.Nano())
}

func TestAHardLinkToWhatNobodyShowsIsRefused(t *testing.T) {
	needRoot(t)
	bottom := applied(t, dir("d/"), file("d/f", "x"), file("gone", "x"), symlink("l", "d"))
	middle := applied(t, file(".wh.gone", ""), file("d/.wh..wh..opq", ""))
	for name, c := range map[string]struct {
		lower []string
		items []item
	}{
		"no lower layers known":           {nil, []item{hardlink("h", "d/f")}},
		"not in any layer":                {[]string{bottom}, []item{hardlink("h", "nothing")}},
		"removed by a layer between":      {[]string{middle, bottom}, []item{hardlink("h", "gone")}},
		"below an opaque directory":       {[]string{middle, bottom}, []item{hardlink("h", "d/f")}},
		"removed by this layer":           {[]string{bottom}, []item{file(".wh.gone", ""), hardlink("h", "gone")}},
		"hidden by this layer":            {[]string{bottom}, []item{file("d/.wh..wh..opq", ""), hardlink("h", "d/f")}},
		"a directory":                     {[]string{bottom}, []item{hardlink("h", "d")}},
		"reached through the layer's own": {[]string{bottom}, []item{hardlink("h", "l/f")}},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			_, err := Applier{Limits: DefaultLimits(), Lower: c.lower}.Apply(context.Background(), root, archive(t, c.items...))
			require.ErrorIs(t, err, ErrNoTarget)
			require.Empty(t, names(t, root))
		})
	}
	require.Equal(t, "x", slurp(t, bottom+"/d/f"))
}
