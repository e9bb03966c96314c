package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

// hub answers a search as Docker Hub does.
func hub(t *testing.T) (host string, asked *[]string) {
	t.Helper()
	asked = new([]string)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RequestURI())
		_ = json.NewEncoder(w).Encode(map[string]any{"num_results": 3, "results": []map[string]any{
			{"name": "some/web", "description": "A web\nserver \x1b[31m", "star_count": 3, "is_automated": true},
			{"name": "web", "description": strings.Repeat("ö", 60), "star_count": 5000, "is_official": true},
			{"name": "other/web", "star_count": 0},
		}})
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://"), asked
}

func TestASearchShowsWhatDockerHubFinds(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	host, asked := hub(t)
	code, out, errs := cooper(t, "search", "--limit", "7", host+"/web")
	require.Zero(t, code, errs)
	require.Equal(t, []string{"/v1/search?n=7&q=web"}, *asked)
	require.Equal(t, `NAME        DESCRIPTION                                     STARS     OFFICIAL
web         `+strings.Repeat("ö", 44)+`…   5000      [OK]
some/web    A web server \x1b[31m                           3         
other/web                                                   0         
`, out)
	for line, want := range map[string]string{
		"--filter is-official=true":                "web",
		"--filter is-official=false":               "some/web other/web",
		"--filter stars=3":                         "web some/web",
		"-f stars=3 -f is-automated=1":             "some/web",
		"--limit 1":                                "web",
		"--no-trunc --filter stars=9999":           "",
		"--filter is-automated=false -f stars=100": "web",
	} {
		_, out, _ := cooper(t, append(append([]string{"search", "--format", "{{.Name}}"}, words(line)...), host+"/web")...)
		require.Equal(t, want, strings.Join(strings.Fields(out), " "), line)
	}
	_, out, _ = cooper(t, "search", "--no-trunc", "--format", "{{.Description}}", "--limit", "1", host+"/web")
	require.Equal(t, strings.Repeat("ö", 60)+"\n", out)
	for line, says := range map[string]string{
		"--limit 0 web": "1 to 100", "--limit 101 web": "1 to 100", "--filter frob=1 web": "stars=N", "--filter stars=many web": "stars=N", "": "takes one argument",
	} {
		code, _, errs := cooper(t, append([]string{"search"}, words(line)...)...)
		require.Equal(t, 125, code, line)
		require.Contains(t, errs, says)
	}
}

// More than a page of repositories, in a real registry that knows no search.
func TestASearchOfARegistryLooksThroughItsCatalogue(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	data := t.TempDir()
	for i := range 1203 {
		path := filepath.Join(data, fmt.Sprintf("docker/registry/v2/repositories/team%d/app%04d", i%7, i))
		for _, dir := range []string{"_layers", "_manifests", "_uploads"} {
			require.NoError(t, os.MkdirAll(filepath.Join(path, dir), 0o700))
		}
	}
	host := registrytest.StartWith(t, data)
	code, out, errs := cooper(t, "search", "--format", "{{.Name}}", host+"/app120")
	require.Zero(t, code, errs)
	require.Equal(t, host+"/team3/app1200\n"+host+"/team4/app1201\n"+host+"/team5/app1202\n", out)
	_, out, _ = cooper(t, "search", "--limit", "100", "--format", "{{.Name}}", host+"/")
	require.Equal(t, 100, strings.Count(out, "\n"))
	for _, given := range []string{"../x", "a b.c/x", "-.x/y", "x.y:z/"} {
		code, _, errs = cooper(t, "search", "--", given)
		require.Equal(t, 1, code, given)
		require.Contains(t, errs, "write HOST[:PORT]")
	}
	code, _, errs = cooper(t, "search", closedPort(t)+"/x")
	require.Equal(t, 1, code)
	require.Contains(t, errs, "connection refused")
}
