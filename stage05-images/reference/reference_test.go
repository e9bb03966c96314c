package reference

import (
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/stretchr/testify/require"
)

const someDigest = "sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"

func TestANameIsCompletedAndShortenedAgain(t *testing.T) {
	for _, c := range []struct{ written, full, familiar string }{
		{"debian", "docker.io/library/debian:latest", "debian:latest"},
		{"debian:12", "docker.io/library/debian:12", "debian:12"},
		{"me/app", "docker.io/me/app:latest", "me/app:latest"},
		{"index.docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"docker.io/library/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"localhost/x", "localhost/x:latest", "localhost/x:latest"},
		{"localhost", "docker.io/library/localhost:latest", "localhost:latest"},
		{"127.0.0.1:5000/me/app:1.2", "127.0.0.1:5000/me/app:1.2", "127.0.0.1:5000/me/app:1.2"},
		{"[::1]:5000/app", "[::1]:5000/app:latest", "[::1]:5000/app:latest"},
		{"debian:12@" + someDigest, "docker.io/library/debian@" + someDigest, "debian@" + someDigest},
		{"Host/app", "Host/app:latest", "Host/app:latest"},
	} {
		ref, err := Parse(c.written)
		require.NoError(t, err, c.written)
		require.Equal(t, c.full, ref.String())
		require.Equal(t, c.familiar, ref.Familiar())
	}
}

func TestAWrongNameIsRefused(t *testing.T) {
	for _, name := range []string{
		"", "/", "x/", "/x", "a//b", "../../x", "UPPER", "host.example/UPPER", "-x", "x-", "a___b", "a..b", "a._b",
		"x:", "x:tag\n", "x:-tag", "x y", "x@sha256:abc", "x@md5:" + strings.Repeat("a", 64), "x@" + someDigest + "0",
		"host:port/x", "host.:1/x", ".host/x", "xé", "x:" + strings.Repeat("t", 129), strings.Repeat("a", 256),
		"h.example/" + strings.Repeat("a", 256), strings.Repeat("a", 64), "x@sha256:../../etc/passwd",
	} {
		_, err := Parse(name)
		require.Error(t, err, name)
	}
}

// FuzzParse holds this reading of a name against that of the library which
// Docker uses: two readings of one name are how a wrong image gets run.
func FuzzParse(f *testing.F) {
	for _, name := range []string{
		"debian", "Debian", "a/b/c:d", "localhost/x:y", "localhost:1/x", "h.x:5000/a__b/c--d:T.-_@" + someDigest, "x@" + someDigest,
		"index.docker.io/x", "docker.io/x/y", "library/x", "docker.io/library/x/y", "[::1]:80/x", "[fe80::1%eth0]/x", "a.b/c", "a:5/b", "A/b",
		strings.Repeat("a", 64), "library/localhost", "docker.io/library/a.b", "x:y:z", "x@y@z", "a/localhost",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		theirs, theirErr := reference.ParseDockerRef(name)
		ours, ourErr := Parse(name)
		if digested, ok := theirs.(reference.Digested); theirErr == nil && ok && !isDigest(digested.Digest().String()) {
			theirErr = reference.ErrReferenceInvalidFormat // they know more algorithms
		}
		if (theirErr == nil) != (ourErr == nil) {
			t.Fatalf("%q: the library says %v, we say %v", name, theirErr, ourErr)
		}
		if ourErr != nil {
			return
		}
		require.Equal(t, theirs.String(), ours.String())
		require.Equal(t, reference.FamiliarString(theirs), ours.Familiar())
		require.Equal(t, reference.FamiliarName(theirs), ours.FamiliarName())
		require.Equal(t, reference.Domain(theirs), ours.Host)
		require.Equal(t, reference.Path(theirs), ours.Path)
	})
}
