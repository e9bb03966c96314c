package images

import (
	"encoding/json"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

func imageSaying(t *testing.T, config string) *Image {
	t.Helper()
	img := &Image{ID: digest.FromString(config)}
	require.NoError(t, json.Unmarshal([]byte(config), &img.Config))
	return img
}

func TestTheCommandIsPutTogetherByDockersRules(t *testing.T) {
	const both = `{"config":{"Entrypoint":["/entry","-x"],"Cmd":["a","b c"]}}`
	for name, c := range map[string]struct {
		config string
		over   Overrides
		want   []string
	}{
		"entrypoint and cmd":                   {both, Overrides{}, []string{"/entry", "-x", "a", "b c"}},
		"arguments replace cmd":                {both, Overrides{Args: []string{"z"}}, []string{"/entry", "-x", "z"}},
		"another entrypoint drops cmd":         {both, Overrides{Entrypoint: []string{"/e"}}, []string{"/e"}},
		"another entrypoint and arguments":     {both, Overrides{Entrypoint: []string{"/e"}, Args: []string{"z"}}, []string{"/e", "z"}},
		"no entrypoint":                        {both, Overrides{Entrypoint: []string{}, Args: []string{"z"}}, []string{"z"}},
		"cmd alone":                            {`{"config":{"Cmd":["sh"]}}`, Overrides{}, []string{"sh"}},
		"arguments alone":                      {`{"config":{"Cmd":["sh"]}}`, Overrides{Args: []string{"ls", "-l"}}, []string{"ls", "-l"}},
		"nothing":                              {`{"config":{"Cmd":null}}`, Overrides{}, nil},
		"arguments stay apart and unexpanded":  {`{}`, Overrides{Args: []string{"sh", "-c", "echo $HOME; exit 3"}}, []string{"sh", "-c", "echo $HOME; exit 3"}},
		"options after the image stay with it": {both, Overrides{Args: []string{"--privileged"}}, []string{"/entry", "-x", "--privileged"}},
	} {
		var s Spec
		Configure(&s, imageSaying(t, c.config), c.over)
		require.Equal(t, c.want, s.Args, name)
	}
}

func TestTheEnvironmentIsTheImagesWithTheUsersOnTop(t *testing.T) {
	for name, c := range map[string]struct {
		image, user, want []string
	}{
		"a PATH where there is none":  {nil, nil, []string{"PATH=" + DefaultPath}},
		"the image's PATH":            {[]string{"PATH=/x"}, nil, []string{"PATH=/x"}},
		"the user's wins in place":    {[]string{"A=1", "B=2"}, []string{"A=3", "C=4"}, []string{"PATH=" + DefaultPath, "A=3", "B=2", "C=4"}},
		"a key alone removes":         {[]string{"A=1", "B=2"}, []string{"A", "Z"}, []string{"PATH=" + DefaultPath, "B=2"}},
		"values are taken verbatim":   {[]string{"A=x=y\nz $B"}, nil, []string{"PATH=" + DefaultPath, "A=x=y\nz $B"}},
		"what is no variable is left": {[]string{"nonsense", "=x", ""}, []string{"", "=y"}, []string{"PATH=" + DefaultPath}},
		"an empty value stays":        {[]string{"A=1"}, []string{"A="}, []string{"PATH=" + DefaultPath, "A="}},
		"keys are compared whole":     {[]string{"AB=1"}, []string{"A=2"}, []string{"PATH=" + DefaultPath, "AB=1", "A=2"}},
	} {
		require.Equal(t, c.want, environment(c.image, c.user), name)
	}
}

func TestUserAndWorkingDirectory(t *testing.T) {
	for name, c := range map[string]struct {
		config    string
		over      Overrides
		user, cwd string
	}{
		"nothing said":                {`{}`, Overrides{}, "", "/"},
		"the image's":                 {`{"config":{"User":"1000:50","WorkingDir":"/app"}}`, Overrides{}, "1000:50", "/app"},
		"the user's":                  {`{"config":{"User":"1000","WorkingDir":"/app"}}`, Overrides{User: "root", Cwd: "/x"}, "root", "/x"},
		"relative to the image's":     {`{"config":{"WorkingDir":"/app"}}`, Overrides{Cwd: "sub"}, "", "/app/sub"},
		"an image that climbs":        {`{"config":{"WorkingDir":"../../.."}}`, Overrides{}, "", "/"},
		"a user that climbs":          {`{"config":{"WorkingDir":"/app"}}`, Overrides{Cwd: "../../x"}, "", "/x"},
		"a user name is no path here": {`{"config":{"User":"root:../../x"}}`, Overrides{}, "root:../../x", "/"},
	} {
		var s Spec
		Configure(&s, imageSaying(t, c.config), c.over)
		require.Equal(t, c.user, s.User, name)
		require.Equal(t, c.cwd, s.Cwd, name)
	}
}

// CVE-2026-53488 and its like: an image's words must not reach the engine.
func TestAnImageSteersNothingButTheContainersProcess(t *testing.T) {
	hostile := imageSaying(t, `{"config":{
		"Labels":{"cooper.privileged":"true","restart.loguri":"binary:///bin/x"},
		"Env":["LD_PRELOAD=/evil.so"],"Entrypoint":["x"],"Volumes":{"/":{}},"ExposedPorts":{"99999/xyz":{}},
		"StopSignal":"9999","Healthcheck":{"Interval":-1},"OnBuild":["ONBUILD"]}}`)
	s, want := Spec{}, Spec{}
	Configure(&s, hostile, Overrides{})
	want.ImageID, want.Args, want.Cwd = hostile.ID, []string{"x"}, "/"
	want.Env = []string{"PATH=" + DefaultPath, "LD_PRELOAD=/evil.so"}
	require.Equal(t, want, s)
}
