package server

import (
	"strings"
	"testing"

	images "cooper/stage05-images"
	"cooper/stage05-images/registry"

	"github.com/stretchr/testify/require"
)

func TestWhatIsPushedCanBePulledByTagAndByDigest(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	s.do("GET", "/v2/", "").want(t, 200)
	s.do("GET", "/v2", "").want(t, 200)
	manifest := s.pushImage("me/app", "1", "some layer")
	for _, ref := range []string{"1", digestOf(manifest)} {
		got := s.do("GET", "/v2/me/app/manifests/"+ref, "").want(t, 200)
		require.Equal(t, manifest, got.body)
		head := s.do("HEAD", "/v2/me/app/manifests/"+ref, "").want(t, 200)
		for _, a := range []answer{got, head} {
			require.Equal(t, digestOf(manifest), a.Header.Get("Docker-Content-Digest"))
			require.Equal(t, registry.OCIManifest, a.Header.Get("Content-Type"))
			require.EqualValues(t, len(manifest), a.ContentLength)
		}
	}
	blob := "/v2/me/app/blobs/" + digestOf("some layer")
	require.Equal(t, "some layer", s.do("GET", blob, "").want(t, 200).body)
	require.Equal(t, "layer", s.do("GET", blob, "", "Range: bytes=5-").want(t, 206).body)
	require.Equal(t, "bytes 5-9/10", s.do("GET", blob, "", "Range: bytes=5-99").want(t, 206).Header.Get("Content-Range"))
	s.do("GET", blob, "", "Range: bytes=10-").want(t, 416)
	require.EqualValues(t, 10, s.do("HEAD", blob, "").want(t, 200).ContentLength)
	s.do("GET", blob, "", "If-None-Match: \""+digestOf("some layer")+"\"").want(t, 304)
}

func TestARepositoryShowsOnlyItsOwn(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	s.pushImage("a", "1", "x")
	for _, path := range []string{"/v2/b/manifests/1", "/v2/b/tags/list"} {
		s.do("GET", path, "").want(t, 404, images.NameUnknown)
	}
	s.do("GET", "/v2/b/blobs/"+digestOf("x"), "").want(t, 404, images.BlobUnknown)
	s.do("HEAD", "/v2/b/blobs/"+digestOf("x"), "").want(t, 404)
	s.do("GET", "/v2/a/manifests/2", "").want(t, 404, images.ManifestUnknown)
	s.do("GET", "/v2/a/manifests/"+digestOf("x"), "").want(t, 404, images.ManifestUnknown)

	s.do("POST", "/v2/b/blobs/uploads/?from=c&mount="+digestOf("x"), "").want(t, 202)
	mounted := s.do("POST", "/v2/b/blobs/uploads/?from=a&mount="+digestOf("x"), "").want(t, 201)
	require.Equal(t, "/v2/b/blobs/"+digestOf("x"), mounted.Header.Get("Location"))
	require.Equal(t, "x", s.do("GET", "/v2/b/blobs/"+digestOf("x"), "").want(t, 200).body)
	s.do("POST", "/v2/c/blobs/uploads/?mount="+digestOf("x"), "").want(t, 201)
	s.do("POST", "/v2/c/blobs/uploads/?mount=sha256:../../x", "").want(t, 400, images.DigestInvalid)
}

func TestAManifestWithHolesIsRefused(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	config := s.push("a", "{}")
	manifest := manifestOf(config, nil, describing("application/octet-stream", "never sent"))
	s.put("a", "1", manifest).want(t, 400, images.ManifestBlobUnknown)
	s.put("a", "1", indexOf(describing(registry.OCIManifest, "never sent"))).want(t, 400, images.ManifestBlobUnknown)
	s.put("b", "1", manifestOf(config, nil)).want(t, 400, images.ManifestBlobUnknown)
	s.do("GET", "/v2/_catalog", "").want(t, 200)
	require.JSONEq(t, `{"repositories": []}`, s.do("GET", "/v2/_catalog", "").body)

	foreign := describing("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "theirs")
	foreign.URLs = []string{"https://example.com/layer"}
	s.put("a", "1", manifestOf(config, nil, foreign)).want(t, 201)
	foreign.MediaType = octets
	s.put("a", "1", manifestOf(config, nil, foreign)).want(t, 400, images.ManifestBlobUnknown)
}

func TestAWrongManifestIsRefused(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	config := s.push("a", "{}")
	good := manifestOf(config, nil)
	for name, body := range map[string]string{
		"empty": "", "no JSON": "{", "a list": "[]", "null": "null", "no version": `{"mediaType": "` + registry.OCIManifest + `"}`,
		"schema 1":         `{"schemaVersion": 1, "fsLayers": [], "mediaType": "application/vnd.docker.distribution.manifest.v1+json"}`,
		"both at once":     strings.Replace(good, `"layers":null`, `"layers":[], "manifests": []`, 1),
		"no config":        `{"schemaVersion": 2, "mediaType": "` + registry.OCIManifest + `", "layers": []}`,
		"an unknown type":  strings.Replace(good, registry.OCIManifest, "application/vnd.example+json", 1),
		"a path as digest": strings.Replace(good, config.Digest.String(), "sha256:../../../../../../../../etc/passwd", 1),
		"another digest":   strings.Replace(good, "sha256:", "sha512:", 1),
		"a negative size":  strings.Replace(good, `"size":2`, `"size":-2`, 1),
	} {
		a := s.put("a", "1", body)
		require.Equal(t, 400, a.StatusCode, "%s: %s", name, a.body)
	}
	s.do("PUT", "/v2/a/manifests/1", good, "Content-Type: "+registry.DockerManifest).want(t, 400, images.ManifestInvalid)
	s.do("PUT", "/v2/a/manifests/"+digestOf("another"), good).want(t, 400, images.DigestInvalid)
	s.do("PUT", "/v2/a/manifests/1", good, "Content-Type: "+registry.OCIManifest+"; charset=utf-8").want(t, 201)
	large := strings.Replace(good, "{", "{"+strings.Repeat(" ", registry.MaxManifest), 1)
	s.put("a", "2", large).want(t, 413, images.SizeInvalid)
	exactly := good + strings.Repeat(" ", registry.MaxManifest-len(good))
	s.put("a", "2", exactly).want(t, 201)
	require.Len(t, s.do("GET", "/v2/a/manifests/2", "").body, registry.MaxManifest)
}

func TestATagMovesAndTheManifestsStay(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	first := s.pushImage("a", "1", "x")
	second := s.pushImage("a", "1", "y")
	require.Equal(t, second, s.do("GET", "/v2/a/manifests/1", "").want(t, 200).body)
	require.Equal(t, first, s.do("GET", "/v2/a/manifests/"+digestOf(first), "").want(t, 200).body)
	s.do("DELETE", "/v2/a/manifests/1", "").want(t, 202)
	s.do("GET", "/v2/a/manifests/1", "").want(t, 404, images.ManifestUnknown)
	require.JSONEq(t, `{"name": "a", "tags": []}`, s.do("GET", "/v2/a/tags/list", "").want(t, 200).body)
	s.do("DELETE", "/v2/a/manifests/1", "").want(t, 404, images.ManifestUnknown)
	s.put("a", "1", second).want(t, 201)
	s.put("a", "2", second).want(t, 201)
	s.do("DELETE", "/v2/a/manifests/"+digestOf(second), "").want(t, 202)
	s.do("GET", "/v2/a/manifests/2", "").want(t, 404, images.ManifestUnknown)
	s.do("GET", "/v2/a/manifests/"+digestOf(second), "").want(t, 404, images.ManifestUnknown)
	s.do("GET", "/v2/a/manifests/"+digestOf(first), "").want(t, 200)
}

func TestWhatIsNeededCantBeDeleted(t *testing.T) {
	s := start(t, t.TempDir(), nil)
	manifest := s.pushImage("a", digestOf(manifestOf(describedConfig("x"), nil, describing(octets, "x"))), "x")
	index := indexOf(describing(registry.OCIManifest, manifest))
	s.put("a", "1", index).want(t, 201)
	s.do("DELETE", "/v2/a/blobs/"+digestOf("x"), "").want(t, 405, images.Unsupported)
	s.do("DELETE", "/v2/a/manifests/"+digestOf(manifest), "").want(t, 405, images.Unsupported)
	s.do("DELETE", "/v2/a/manifests/"+digestOf(index), "").want(t, 202)
	s.do("DELETE", "/v2/a/manifests/"+digestOf(manifest), "").want(t, 202)
	s.do("DELETE", "/v2/a/blobs/"+digestOf("x"), "").want(t, 202)
	s.do("DELETE", "/v2/a/blobs/"+digestOf("x"), "").want(t, 404, images.BlobUnknown)
	require.NoError(t, s.stop())
	require.Empty(t, s.blobs(), "what nobody needs goes when the server does")
}
