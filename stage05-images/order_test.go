package images

import (
	"slices"
	"testing"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

func names(steps []namespaces.Step) []string {
	var list []string
	for _, step := range steps {
		list = append(list, step.Name)
	}
	return list
}

func TestLayersAreUnpackedBeforeAnythingIsMadeForTheContainer(t *testing.T) {
	s := &Spec{Image: "debian", ImageID: digest.FromString("x")}
	p := &namespaces.Process{}
	require.Equal(t, append([]string{"images/unpack"}, names(unionfs.Outside(&s.Spec, p))...), names(Outside(s, p, nil)))
	require.Equal(t, names(unionfs.Inside(&s.Spec)), names(Inside(s)))
	s.Limits.Pids = 1
	require.Equal(t, names(unionfs.Outside(&s.Spec, p)), names(Outside(s, p, nil))[1:])
	s.Target = 1
	require.False(t, slices.Contains(names(Outside(&Spec{}, p, nil)), "images/unpack"), "without an image there is nothing to unpack")
}
