package server

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// conformance builds the tests that the specification's authors wrote. They
// come from the module proxy; where there is none, this is left out, and only
// there.
func conformance(t *testing.T) (program string) {
	t.Helper()
	goTool := func(args ...string) ([]byte, error) {
		command := exec.Command("go", args...)
		command.Dir = "../../.ci/conformance"
		command.Env = append(os.Environ(), "GOFLAGS=-mod=readonly", "GOWORK=off")
		return command.CombinedOutput()
	}
	if out, err := goTool("mod", "download"); err != nil {
		t.Skipf("the conformance tests can't be fetched: %v\n%s", err, out)
	}
	program = filepath.Join(t.TempDir(), "conformance")
	out, err := goTool("build", "-buildvcs=false", "-o", program, "github.com/opencontainers/distribution-spec/conformance")
	require.NoError(t, err, string(out))
	return program
}

func TestItConformsToTheDistributionSpecification(t *testing.T) {
	program := conformance(t)
	s := start(t, t.TempDir(), nil)
	command := exec.Command(program)
	command.Env = append(os.Environ(),
		"OCI_REGISTRY="+s.host, "OCI_TLS=disabled", "OCI_REPO1=conformance/one", "OCI_REPO2=conformance/two", "OCI_RESULTS_DIR="+t.TempDir(),
		// What the specification leaves open, and we have:
		"OCI_API_BLOBS_UPLOAD_CANCEL=true", "OCI_API_BLOBS_DIGEST_HEADER=true", "OCI_API_MANIFESTS_DIGEST_HEADER=true", "OCI_API_MANIFESTS_TAG_PARAM=true",
		// And what we haven't: digests are SHA-256 here, and an index lists what is there.
		"OCI_DATA_SHA512=false", "OCI_DATA_SPARSE=false",
	)
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
	for _, count := range []string{"FAIL", "Error", "Skip", "Disabled"} {
		require.Regexp(t, `(?m)^ +`+count+`\.+: +0$`, string(out))
	}
	for _, api := range []string{
		"Tag listing", "Tag delete", "Blob push", "Blob post only", "Blob post put", "Blob chunked", "Blob streaming", "Blob mount", "Blob anonymous mount",
		"Blob upload cancel", "Blob get", "Blob get range", "Blob head", "Blob delete", "Manifest put by digest", "Manifest put by tag",
		"Manifest put with tag params", "Manifest put with subject", "Manifest get by digest", "Manifest get by tag",
		"Manifest head by digest", "Manifest head by tag", "Manifest delete", "Referrers", "Ping",
	} {
		require.Regexp(t, `(?m)^ +`+regexp.QuoteMeta(api)+`\.+: +Pass$`, string(out))
	}
	require.NoError(t, s.stop())
	require.Empty(t, s.blobs(), "it deleted all that it pushed")
}
