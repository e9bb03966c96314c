package images

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"cooper/stage05-images/registrytest"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

// counted puts a counter in front of a real registry.
func counted(t *testing.T, host string) *served {
	t.Helper()
	s := &served{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: host})
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.lock.Lock()
		s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Range")))
		s.lock.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// methods returns how often each method was used, and forgets.
func (s *served) methods() string {
	s.lock.Lock()
	defer s.lock.Unlock()
	n := map[string]int{}
	for _, request := range s.requests {
		method, _, _ := strings.Cut(request, " ")
		n[method]++
	}
	s.requests = nil
	return strings.TrimPrefix(fmt.Sprint(n), "map")
}

func TestNoRequestIsMadeThatCanBeSaved(t *testing.T) {
	ctx, server := context.Background(), counted(t, registrytest.Start(t))
	name := server.host() + "/me/app:1"
	mine, yours := newStore(t), newStore(t)
	base := put(t, mine, "base", nil, "x=1")
	put(t, mine, name, base, "x=2")
	_, err := Push(ctx, mine, name, PushOptions{})
	require.NoError(t, err)
	require.Equal(t, "[HEAD:3 POST:3 PUT:4]", server.methods(), "three blobs and a manifest")
	_, err = Push(ctx, mine, name, PushOptions{})
	require.NoError(t, err)
	require.Equal(t, "[HEAD:3 PUT:1]", server.methods())

	img, err := Pull(ctx, yours, name, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, "[GET:4]", server.methods())
	_, err = Pull(ctx, yours, name, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, "[HEAD:1]", server.methods(), "an unchanged tag")
	_, err = Pull(ctx, yours, img.Digests[0], PullOptions{})
	require.NoError(t, err)
	require.Equal(t, "[]", server.methods(), "a digest can't change its meaning")

	require.NoError(t, os.RemoveAll(yours.layerPath(img.Config.RootFS.DiffIDs[0])))
	_, err = Pull(ctx, yours, img.Digests[0], PullOptions{})
	require.NoError(t, err)
	require.Equal(t, "[GET:1]", server.methods(), "what is damaged is mended")

	newer := put(t, mine, name, base, "x=3")
	_, err = Push(ctx, mine, name, PushOptions{})
	require.NoError(t, err)
	server.methods()
	got, err := Pull(ctx, yours, name, PullOptions{})
	require.NoError(t, err)
	require.Equal(t, newer.ID, got.ID)
	require.Equal(t, "[GET:3 HEAD:1]", server.methods(), "manifest, configuration and the one new layer")
}

func TestALayerIsMountedFromTheRepositoryThatHasIt(t *testing.T) {
	for kind, start := range map[string]func(testing.TB) string{"open": registrytest.Start, "token": registrytest.StartToken} {
		t.Run(kind, func(t *testing.T) {
			ctx, server := context.Background(), counted(t, start(t))
			logIn(t, server.host(), registrytest.Password)
			s := newStore(t)
			base := put(t, s, server.host()+"/base:1", nil, "x=1")
			put(t, s, server.host()+"/unrelated:1", nil, "y=1")
			require.NoError(t, s.Tag(server.host()+"/base:1", server.host()+"/never/pushed:1"))
			for _, name := range []string{"/base:1", "/unrelated:1"} {
				_, err := Push(ctx, s, server.host()+name, PushOptions{})
				require.NoError(t, err)
			}
			server.methods()
			put(t, s, server.host()+"/app:1", base, "x=2")
			var states statesSeen
			_, err := Push(ctx, s, server.host()+"/app:1", PushOptions{Progress: &states})
			require.NoError(t, err)
			require.Contains(t, states.list, "Mounted from base")
			require.Equal(t, 1, server.count("POST", "from=base&mount="))
			require.Zero(t, server.count("POST", "unrelated")+server.count("POST", "never"))
			require.Equal(t, 3, server.count("PUT", ""), "the new layer, the configuration, the manifest")

			got, err := Pull(ctx, newStore(t), server.host()+"/app:1", PullOptions{})
			require.NoError(t, err)
			require.Len(t, got.Manifest.Layers, 2)
		})
	}
}

// A name may be in the store that the registry has long forgotten.
func TestALayerThatIsNoLongerElsewhereIsSent(t *testing.T) {
	ctx, s := context.Background(), newStore(t)
	host := registrytest.Start(t)
	base := put(t, s, host+"/base:1", nil, "x=1")
	ref, err := ParseName(host + "/base:1")
	require.NoError(t, err)
	require.NoError(t, s.name(base.Descriptor, ref, base.Descriptor.Digest))
	require.NoError(t, s.Tag(host+"/base:1", host+"/app:1"))
	_, err = Push(ctx, s, host+"/app:1", PushOptions{})
	require.NoError(t, err)
	_, err = Pull(ctx, newStore(t), host+"/app:1", PullOptions{})
	require.NoError(t, err)
}

// The first token is good for the manifest and the configuration. Three layers
// at once then find that it has expired, and one login serves them all.
func TestATokenThatExpiresIsRenewedInTheMiddleOfAPull(t *testing.T) {
	t.Parallel()
	f := madeImage(t, []string{"a=" + noise(100_000)}, []string{"b=1"}, []string{"c=1"}, []string{"d=1"}, []string{"e=1"})
	var tokens, late atomic.Int32
	all := make(chan struct{}) // three requests came late
	server := serve(t, f, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			fmt.Fprintf(w, `{"token":"t%d","expires_in":60}`, tokens.Add(1))
			return true
		}
		isLayer := slices.ContainsFunc(f.manifest.Layers, func(l ocispec.Descriptor) bool { return strings.HasSuffix(r.URL.Path, l.Digest.String()) })
		if token := r.Header.Get("Authorization"); token == "Bearer t2" || token == "Bearer t1" && !isLayer {
			return false
		} else if token == "Bearer t1" {
			if late.Add(1) == 3 {
				close(all)
			}
			<-all
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+r.Host+`/token",service="s",error="invalid_token"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	img, err := Pull(context.Background(), newStore(t), server.host()+"/x:1", PullOptions{})
	require.NoError(t, err)
	require.Len(t, img.Manifest.Layers, 5)
	require.Equal(t, int32(2), tokens.Load())
}
