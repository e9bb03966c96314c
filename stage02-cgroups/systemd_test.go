package cgroups

import (
	"path/filepath"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

func TestASliceIsWhereItsNameSays(t *testing.T) {
	for slice, want := range map[string]string{
		"web.slice":           "web.slice/cooper-1.scope/container",
		"web-shop-eu.slice":   "web.slice/web-shop.slice/web-shop-eu.slice/cooper-1.scope/container",
		"-.slice":             "cooper-1.scope/container",
		"web":                 "",
		"web/shop.slice":      "",
		"../web.slice":        "",
		"-web.slice":          "",
		"web-.slice":          "",
		"web--shop.slice":     "",
		".slice":              "",
		"system.slice/x":      "",
		"cooper/inner":        "",
		"web.slice\nx.slice":  "",
		"web\x00.slice":       "",
		"web.slice/db.slice/": "",
	} {
		got, err := ScopePath(slice, "1")
		require.Equal(t, want, got, slice)
		if want == "" {
			require.ErrorContains(t, err, "it must be a slice", slice)
			continue
		}
		require.NoError(t, err)
		sc, err := scopeOf(got)
		require.NoError(t, err)
		require.Equal(t, scope{slice, "cooper-1.scope"}, sc)
	}
}

func TestAPathThatNamesNoScopeIsRefusedWithSystemd(t *testing.T) {
	for _, path := range []string{
		"cooper/1", "system.slice/cooper-1.scope", "system.slice/cooper-1.service/container", "cooper-1.scope",
		"shop.slice/web-shop.slice/cooper-1.scope/container", "web/cooper-1.scope/container", "system.slice/cooper-1.scope/inner/container",
	} {
		s := container("true")
		s.CgroupDriver, s.CgroupPath = Systemd, path
		require.ErrorContains(t, s.Validate(), "must name a scope in a slice, such as system.slice/cooper-web.scope/container", path)
	}
	s := container("true")
	s.CgroupDriver = "openrc"
	require.ErrorContains(t, s.Validate(), `cgroup driver "openrc": it is cgroupfs or systemd`)
}

func TestWithoutSystemdTheErrorTellsOfTheOtherDriver(t *testing.T) {
	if systemdRuns() {
		t.Skip("systemd runs here")
	}
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	s := container("true")
	s.CgroupDriver = Systemd
	made := &making{site: siteOf(s)}
	err := made.askForScope()
	require.ErrorContains(t, err, "ask systemd for cooper-"+s.ID+".scope: ")
	require.ErrorContains(t, err, "the driver cgroupfs does without")
	require.Equal(t, Cgroupfs, Driver())
}

func TestAPathOfOurOwnHasSystemdsForm(t *testing.T) {
	s := container("true")
	s.CgroupDriver = Systemd
	require.NoError(t, s.Validate())
	path, err := s.path()
	require.NoError(t, err)
	require.Equal(t, "cooper-"+s.ID+".scope/container", strings.TrimPrefix(path, filepath.Dir(filepath.Dir(path))+"/"))
}

// Who joins finds the session keyring by it.
func TestTheIDOfAContainerIsInItsPath(t *testing.T) {
	id := namespaces.NewID()
	for _, slice := range []string{"system.slice", "web-shop.slice", "-.slice"} {
		path, err := ScopePath(slice, id)
		require.NoError(t, err)
		require.Equal(t, id, idIn(path), path)
	}
	require.Equal(t, id, idIn("cooper/"+id))
	require.Equal(t, inScope, idIn("cooper/"+inScope))
}
