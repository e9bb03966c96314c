package server

import (
	"strings"
	"testing"

	"cooper/stage05-images/registry"
	"cooper/stage05-images/registrytest"

	"github.com/stretchr/testify/require"
)

// Docker's registry is what all clients were written against, so where the
// specification leaves something open, its answers are the custom. The same
// conversation is held with both, and each answer compared. Left out is what
// Debian's version gets wrong: it takes chunks in any order, breaks off at a
// range beyond the end, and overlooks an n that is no number.
func TestItAnswersAsDockersRegistryDoes(t *testing.T) {
	theirs := &running{t: t, host: registrytest.Start(t)}
	theirs.url = "http://" + theirs.host
	ours := start(t, t.TempDir(), nil)

	config, manifest := "{}", manifestOf(describing("application/vnd.oci.image.config.v1+json", "{}"), nil, describing(octets, "layer"))
	unknown, at := "sha256:"+strings.Repeat("0", 64), map[*running]string{}
	for _, step := range []struct {
		method, path, body string
		headers            []string
	}{
		{"GET", "/v2/", "", nil},
		{"GET", "/v2/_catalog", "", nil},
		{"GET", "/v2/a/tags/list", "", nil},
		{"GET", "/v2/a/manifests/1", "", nil},
		{"GET", "/v2/a/blobs/" + unknown, "", nil},
		{"HEAD", "/v2/a/blobs/" + unknown, "", nil},
		{"GET", "/v2/a/blobs/sha256:short", "", nil},
		{"POST", "/v2/a/blobs/uploads/", "", nil},
		{"GET", "UPLOAD", "", nil},
		{"PATCH", "UPLOAD", "lay", []string{"Content-Range: 0-2", "Content-Type: " + octets}},
		{"PATCH", "UPLOAD", "er", []string{"Content-Range: 3-4", "Content-Type: " + octets}},
		{"PUT", "UPLOAD?digest=" + digestOf("layer"), "", nil},
		{"HEAD", "/v2/a/blobs/" + digestOf("layer"), "", nil},
		{"GET", "/v2/a/blobs/" + digestOf("layer"), "", []string{"Range: bytes=1-2"}},
		{"GET", "/v2/a/blobs/" + digestOf("layer"), "", []string{"Range: bytes=-2"}},
		{"GET", "/v2/b/blobs/" + digestOf("layer"), "", nil},
		{"POST", "/v2/b/blobs/uploads/?from=a&mount=" + digestOf("layer"), "", nil},
		{"GET", "/v2/b/blobs/" + digestOf("layer"), "", nil},
		{"POST", "/v2/b/blobs/uploads/?from=a&mount=" + unknown, "", nil},
		{"DELETE", "UPLOAD", "", nil},
		{"GET", "UPLOAD", "", nil},
		{"PUT", "/v2/a/manifests/1", manifest, []string{"Content-Type: " + registry.OCIManifest}},
		{"POST", "/v2/a/blobs/uploads/", "", nil},
		{"PUT", "UPLOAD?digest=" + digestOf("other"), config, []string{"Content-Type: " + octets}},
		{"POST", "/v2/a/blobs/uploads/", "", nil},
		{"PUT", "UPLOAD?digest=" + digestOf(config), config, []string{"Content-Type: " + octets}},
		{"PUT", "/v2/a/manifests/1", "{", []string{"Content-Type: " + registry.OCIManifest}},
		{"PUT", "/v2/a/manifests/" + unknown, manifest, []string{"Content-Type: " + registry.OCIManifest}},
		{"PUT", "/v2/a/manifests/1", manifest, []string{"Content-Type: " + registry.OCIManifest}},
		{"GET", "/v2/a/manifests/1", "", []string{"Accept: " + registry.OCIManifest}},
		{"HEAD", "/v2/a/manifests/" + digestOf(manifest), "", []string{"Accept: " + registry.OCIManifest}},
		{"GET", "/v2/a/tags/list", "", nil},
		{"GET", "/v2/_catalog?n=1", "", nil},
		{"POST", "/v2/a/manifests/1", "", nil},
		{"DELETE", "/v2/a/manifests/" + unknown, "", nil},
		{"DELETE", "/v2/a/manifests/" + digestOf(manifest), "", nil},
		{"GET", "/v2/a/manifests/1", "", nil},
		{"DELETE", "/v2/a/blobs/" + digestOf("layer"), "", nil},
		{"GET", "/v2/a/blobs/" + digestOf("layer"), "", nil},
		{"DELETE", "/v2/a/blobs/" + digestOf("layer"), "", nil},
	} {
		var answers []answer
		for _, s := range []*running{theirs, ours} {
			path := step.path
			if rest, isUpload := strings.CutPrefix(path, "UPLOAD"); isUpload {
				path = at[s] + rest
				if strings.Contains(at[s], "?") {
					path = at[s] + strings.Replace(rest, "?", "&", 1)
				}
			}
			a := s.do(step.method, path, step.body, step.headers...)
			if location := a.Header.Get("Location"); strings.Contains(location, "/blobs/uploads/") {
				at[s] = location
			}
			answers = append(answers, a)
		}
		what := step.method + " " + step.path + " " + strings.Join(step.headers, ", ")
		t.Log(what, answers[0].StatusCode, answers[1].StatusCode)
		if answers[0].StatusCode != answers[1].StatusCode {
			t.Errorf("%s: they answer %d %s, we %d %s", what, answers[0].StatusCode, answers[0].body, answers[1].StatusCode, answers[1].body)
			continue
		}
		for _, header := range []string{"Range", "Content-Range", "Docker-Content-Digest", "Docker-Distribution-Api-Version"} {
			if answers[0].StatusCode < 300 && answers[0].Header.Get(header) != "" {
				require.Equal(t, answers[0].Header.Get(header), answers[1].Header.Get(header), "%s: %s", what, header)
			}
		}
	}
}
