package cli

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"cooper/stage05-images"

	"github.com/stretchr/testify/require"
)

// Fifty processes want the same image. Its layer comes over once.
func TestFiftyPullsOfOneImageShareTheWork(t *testing.T) {
	h := newImageHost(t)
	turnstile := newTurnstile(t, h.registry)
	layer := h.layerBlob(t, "base")
	h.ok("rmi", "base")
	h.atOnce(t, 50, func(int) []string { return []string{"pull", "-q", turnstile.host + "/base"} })
	require.Equal(t, 1, turnstile.requests["GET /v2/base/blobs/"+layer])
	require.Equal(t, "here", h.ok("run", "--rm", "--network", "none", turnstile.host+"/base", "echo", "here"))
	h.ok("tag", turnstile.host+"/base", "base")
	h.ok("rmi", turnstile.host+"/base")
	require.Equal(t, h.pristine, h.store(t))
}

// layerBlob is the digest under which an image's only layer travels.
func (h *imageHost) layerBlob(t *testing.T, name string) string {
	store, err := images.OpenStore(filepath.Join(h.root, "images"))
	require.NoError(t, err)
	img, err := store.Find(name)
	require.NoError(t, err)
	require.Len(t, img.Manifest.Layers, 1)
	return img.Manifest.Layers[0].Digest.String()
}

// Fifty processes do anything to the same few images, also take away what
// another one counts on. Nobody waits for ever, every error is one of those that
// a user would expect, and in the end the store is as it was.
func TestFiftyProcessesOnTheSameImages(t *testing.T) {
	h := newImageHost(t)
	h.ok("tag", "base", "kept")
	dice := newDice(t)
	for range 4 {
		h.atOnce(t, 50, func(i int) []string { return h.line(anyImageCommand(dice, i)) })
		for _, id := range strings.Fields(h.ok("images", "-q", "--no-trunc")) {
			h.ok("image", "inspect", id)
		}
		require.Equal(t, "here", h.ok("run", "--rm", "--network", "none", "kept", "echo", "here"))
	}
	for _, id := range strings.Fields(h.ok("ps", "-aq")) {
		h.ok("rm", "-f", id)
	}
	h.ok("tag", "kept", "base")
	for _, name := range strings.Fields(h.ok("images", "--format", "{{.Repository}}:{{.Tag}}")) {
		if name != "base:latest" && !strings.Contains(name, "<none>") {
			h.ok("rmi", name)
		}
	}
	h.ok("image", "prune", "-f")
	require.Equal(t, h.pristine, h.store(t))
}

func anyImageCommand(dice *rand.Rand, i int) []string {
	name := []string{"REGISTRY/base", "base", "other", "made"}[dice.IntN(4)]
	switch dice.IntN(8) {
	case 0, 1:
		return []string{"pull", "-q", "REGISTRY/base"}
	case 2:
		return []string{"rmi", name}
	case 3:
		return []string{"image", "prune", "-f"}
	case 4:
		return []string{"tag", name, "other"}
	case 5:
		return []string{"run", "--rm", "--network", "none", name, "true"}
	case 6:
		return []string{"run", "--name", fmt.Sprintf("c%d", i%5), "--network", "none", name, "touch", "/made"}
	}
	return []string{"commit", fmt.Sprintf("c%d", i%5), "made"}
}

// What may come out when two hands are at one thing.
var expected = regexp.MustCompile(`[Nn]o such image|[Uu]nable to find image|no such container|[Nn]o such container|already in use|` +
	`unable to remove repository reference|unable to delete|manifest unknown|is being|is removing|name unknown`)

// atOnce runs n lines, each in a process of its own, all at the same time.
func (h *imageHost) atOnce(t *testing.T, n int, line func(i int) []string) {
	t.Helper()
	var all sync.WaitGroup
	for i := range n {
		words := line(i)
		all.Go(func() {
			out, err := h.command(words...).CombinedOutput()
			if err != nil && !expected.Match(out) {
				t.Errorf("cooper %q: %v: %s", words, err, out)
			}
		})
	}
	all.Wait()
}

// A turnstile stands in front of a registry and counts what it is asked for.
type turnstile struct {
	host     string
	lock     sync.Mutex
	requests map[string]int
}

func newTurnstile(t *testing.T, registry string) *turnstile {
	c := &turnstile{requests: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.lock.Lock()
		c.requests[r.Method+" "+r.URL.Path]++
		c.lock.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.host = strings.TrimPrefix(server.URL, "http://")
	return c
}
