package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	images "cooper/stage05-images"
	"cooper/stage05-images/registry"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func TestNamesAreListedByThePage(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	config := s.push("a", "{}")
	for _, tag := range []string{"t3", "t1", "t4", "t0", "t2"} {
		s.put("a", tag, manifestOf(config, nil)).want(t, 201)
	}
	var pages []string
	for next := "/v2/a/tags/list?n=2"; next != ""; {
		a := s.do("GET", next, "").want(t, 200)
		var list struct{ Tags []string }
		require.NoError(t, json.Unmarshal([]byte(a.body), &list))
		pages = append(pages, strings.Join(list.Tags, ","))
		link, ok := strings.CutSuffix(a.Header.Get("Link"), `>; rel="next"`)
		require.Equal(t, a.Header.Get("Link") != "", ok)
		next = strings.TrimPrefix(link, "<")
	}
	require.Equal(t, []string{"t0,t1", "t2,t3", "t4"}, pages)
	require.JSONEq(t, `{"name": "a", "tags": ["t3", "t4"]}`, s.do("GET", "/v2/a/tags/list?last=t2", "").body)
	require.JSONEq(t, `{"name": "a", "tags": ["t3"]}`, s.do("GET", "/v2/a/tags/list?n=1&last=t2zzz", "").body)
	none := s.do("GET", "/v2/a/tags/list?n=0", "").want(t, 200)
	require.JSONEq(t, `{"name": "a", "tags": []}`, none.body)
	require.Empty(t, none.Header.Get("Link"))
	for _, n := range []string{"-1", "many", "1e3"} {
		require.Equal(t, 400, s.do("GET", "/v2/a/tags/list?n="+n, "").StatusCode, n)
	}
	s.push("empty", "x")
	s.pushImage("b/c", "1", "x")
	first := s.do("GET", "/v2/_catalog?n=1", "").want(t, 200)
	require.JSONEq(t, `{"repositories": ["a"]}`, first.body)
	require.Equal(t, `</v2/_catalog?last=a&n=1>; rel="next"`, first.Header.Get("Link"))
	require.JSONEq(t, `{"repositories": ["a", "b/c"]}`, s.do("GET", "/v2/_catalog", "").body)
}

func TestWhatIsAboutAManifestIsFoundByIt(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	image := s.pushImage("a", "1", "x")
	about := describing(registry.OCIManifest, image)
	config := s.push("a", "{}")
	signature := manifestOf(config, func(m *ocispec.Manifest) {
		m.Subject, m.ArtifactType, m.Annotations = &about, "application/vnd.example.signature", map[string]string{"by": "me"}
	})
	require.Equal(t, digestOf(image), s.put("a", digestOf(signature), signature).want(t, 201).Header.Get("OCI-Subject"))
	bill := manifestOf(config, func(m *ocispec.Manifest) { m.Subject = &about })
	s.put("a", digestOf(bill), bill).want(t, 201)

	list := func(query string) (types []string, applied string) {
		a := s.do("GET", "/v2/a/referrers/"+digestOf(image)+query, "").want(t, 200)
		require.Equal(t, registry.OCIIndex, a.Header.Get("Content-Type"))
		var index ocispec.Index
		require.NoError(t, json.Unmarshal([]byte(a.body), &index))
		for _, m := range index.Manifests {
			types = append(types, m.ArtifactType+" "+m.Annotations["by"])
		}
		slices.Sort(types)
		return types, a.Header.Get("OCI-Filters-Applied")
	}
	types, applied := list("")
	require.Equal(t, []string{"application/octet-stream ", "application/vnd.example.signature me"}, types)
	require.Empty(t, applied)
	types, applied = list("?artifactType=application/vnd.example.signature")
	require.Equal(t, []string{"application/vnd.example.signature me"}, types)
	require.Equal(t, "artifactType", applied)
	require.Contains(t, s.do("GET", "/v2/nobody/referrers/"+digestOf(image), "").want(t, 200).body, `"manifests":[]`)
	s.do("GET", "/v2/a/referrers/sha256:x", "").want(t, 400, images.DigestInvalid)

	orphan := describing(registry.OCIManifest, "not here yet")
	early := manifestOf(config, func(m *ocispec.Manifest) { m.Subject = &orphan })
	s.put("a", digestOf(early), early).want(t, 201)
}

func TestSeveralTagsComeWithOneManifest(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	manifest := manifestOf(s.push("a", "{}"), nil)
	put := s.put("a", digestOf(manifest)+"?tag=1&tag=1.2&tag=latest", manifest).want(t, 201)
	require.Equal(t, []string{"1", "1.2", "latest"}, put.Header.Values("OCI-Tag"))
	require.JSONEq(t, `{"name": "a", "tags": ["1", "1.2", "latest"]}`, s.do("GET", "/v2/a/tags/list", "").body)
	require.Equal(t, 400, s.put("a", digestOf(manifest)+"?tag=ok&tag=../x", manifest).StatusCode)
}
