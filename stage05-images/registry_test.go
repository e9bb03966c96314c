package images

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cooper/stage05-images/registry"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"
)

func newRegistry(t testing.TB, dir string) *Registry {
	t.Helper()
	r, err := OpenRegistry(dir, false)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// send uploads a blob and returns its digest.
func send(t testing.TB, r *Registry, name, content string) digest.Digest {
	t.Helper()
	u, err := r.Begin(t.Context(), name)
	require.NoError(t, err)
	require.NoError(t, u.Append(t.Context(), -1, strings.NewReader(content)))
	d := digest.FromString(content)
	require.NoError(t, u.Finish(t.Context(), d))
	return d
}

// sendManifest puts a manifest of one blob, and returns its digest.
func sendManifest(t testing.TB, r *Registry, name, tag string, blob digest.Digest) digest.Digest {
	t.Helper()
	body := `{"schemaVersion":2,"config":{"mediaType":"x/y","digest":"` + blob.String() + `","size":1},"layers":[]}`
	desc, _, err := r.PutManifest(context.Background(), name, []string{tag}, registry.OCIManifest, []byte(body))
	require.NoError(t, err)
	return desc.Digest
}

// refused returns the code of a registry's no, "" for no error.
func refused(t testing.TB, err error) string {
	t.Helper()
	var no *Refusal
	if err != nil && !errors.As(err, &no) {
		t.Fatal("no refusal:", err)
	}
	if no == nil {
		return ""
	}
	return no.Code
}

func TestABlobIsHeldUntilItsManifestComesOrHalfADayIsOver(t *testing.T) {
	r := newRegistry(t, t.TempDir())
	waits, named := send(t, r, "a", "waits"), send(t, r, "a", "named")
	sendManifest(t, r, "a", "1", named)
	for _, later := range []time.Duration{time.Hour, 7 * time.Hour} {
		require.NoError(t, r.Tidy(time.Now().Add(later)))
		_, err := r.Promise("a", named)
		require.NoError(t, err)
		require.FileExists(t, r.store.blobPath(waits), later)
	}
	require.NoError(t, r.Tidy(time.Now().Add(14*time.Hour)))
	_, err := r.Blob("a", waits)
	require.Equal(t, BlobUnknown, refused(t, err))
	require.NoFileExists(t, r.store.blobPath(waits))
	require.FileExists(t, r.store.blobPath(named))
}

func TestWhoIsToldThatABlobIsThereMayCountOnIt(t *testing.T) {
	r := newRegistry(t, t.TempDir())
	blob := send(t, r, "a", "layer")
	manifest := sendManifest(t, r, "a", "1", blob)
	later := time.Now()
	for range 2 { // both generations know nothing of the upload any more
		later = later.Add(generation)
		require.NoError(t, r.Tidy(later))
	}
	size, err := r.Promise("a", blob)
	require.NoError(t, err)
	require.EqualValues(t, 5, size)
	require.NoError(t, r.DeleteManifest("a", manifest.String()))
	require.NoError(t, r.Tidy(later))
	require.NoFileExists(t, r.store.blobPath(manifest))
	sendManifest(t, r, "a", "2", blob)
}

func TestAnUploadThatNobodySendsToIsGivenUp(t *testing.T) {
	r := newRegistry(t, t.TempDir())
	u, err := r.Begin(t.Context(), "a")
	require.NoError(t, err)
	require.NoError(t, r.Tidy(time.Now().Add(59*time.Minute)))
	_, err = r.Upload("a", u.ID)
	require.NoError(t, err)
	require.NoError(t, r.Tidy(time.Now().Add(61*time.Minute)))
	_, err = r.Upload("a", u.ID)
	require.Equal(t, BlobUploadUnknown, refused(t, err))
	require.Equal(t, BlobUploadUnknown, refused(t, u.Append(t.Context(), -1, strings.NewReader("late"))))
	entries, err := os.ReadDir(r.store.path("ingest"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestWhoIsSilentGivesWayWhenThereAreTooManyUploads(t *testing.T) {
	r := newRegistry(t, t.TempDir())
	var first *Upload
	for range maxUploads {
		u, err := r.Begin(t.Context(), "a")
		require.NoError(t, err)
		first = cmp.Or(first, u)
	}
	_, err := r.Begin(t.Context(), "a")
	require.Equal(t, TooManyRequests, refused(t, err))
	first.touched.Store(time.Now().Add(-2 * time.Minute).Unix())
	_, err = r.Begin(t.Context(), "a")
	require.NoError(t, err)
	_, err = r.Upload("a", first.ID)
	require.Equal(t, BlobUploadUnknown, refused(t, err))
}

func TestManyUploadsThatBeginAtOnceAreNoMoreThanCanBe(t *testing.T) {
	r := newRegistry(t, t.TempDir())
	var all sync.WaitGroup
	var begun atomic.Int64
	start := make(chan struct{})
	for range 2 * maxUploads {
		all.Go(func() {
			<-start
			if _, err := r.Begin(t.Context(), "a"); err == nil {
				begun.Add(1)
			}
		})
	}
	close(start)
	all.Wait()
	require.EqualValues(t, maxUploads, begun.Load())
}

func TestTwoProcessesServeOneDirectory(t *testing.T) {
	dir := t.TempDir()
	one, other := newRegistry(t, dir), newRegistry(t, dir)
	blob := send(t, one, "a", "layer")
	require.NoError(t, other.Tidy(time.Now()))
	manifest := sendManifest(t, one, "a", "1", blob)
	got, err := other.Manifest("a", "1")
	require.NoError(t, err)
	require.Equal(t, manifest, got.Digest)
	require.NoError(t, other.DeleteManifest("a", "1"))
	_, err = one.Manifest("a", "1")
	require.Equal(t, ManifestUnknown, refused(t, err))
}

func TestADamagedManifestIsToldAndStopsTheSweep(t *testing.T) {
	r := newRegistry(t, t.TempDir())
	blob := send(t, r, "a", "layer")
	manifest := sendManifest(t, r, "a", "1", blob)
	require.NoError(t, os.WriteFile(r.store.blobPath(manifest), []byte("{}"), 0o600))
	_, err := r.Manifest("a", "1")
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorIs(t, r.Tidy(time.Now().Add(generation)), ErrCorrupt)
	require.ErrorIs(t, r.Tidy(time.Now().Add(3*generation)), ErrCorrupt)
	require.FileExists(t, r.store.blobPath(blob), "who knows whether it is needed")
	send(t, r, "a", "layer")
	require.Equal(t, manifest, sendManifest(t, r, "a", "1", blob), "pushed again, it is whole again")
	got, err := r.Manifest("a", "1")
	require.NoError(t, err)
	require.Equal(t, manifest, got.Digest)
}

func TestAnEntryOfTheIndexHasAPlace(t *testing.T) {
	for short, want := range map[string][2]string{
		"debian:12": {"debian", "12"}, "me/app:1": {"me/app", "1"}, "127.0.0.1:5000/me/app:1": {"me/app", "1"},
		"docker.io/library/debian": {"debian", "latest"}, "": {}, "UPPER:1": {}, "../x:1": {}, "localhost/x:y": {"x", "y"},
	} {
		name, tag := placeOf(ocispec.Descriptor{Annotations: map[string]string{nameShort: short}})
		require.Equal(t, want, [2]string{name, tag}, short)
	}
	for repository, want := range map[string][2]string{
		"a.b/c": {"a.b/c", "1"}, "library/debian": {"library/debian", "1"}, "localhost/x": {"localhost/x", "1"}, "../x": {},
	} {
		entry := placed(ocispec.Descriptor{}, repository, "1")
		name, tag := placeOf(entry)
		require.Equal(t, want, [2]string{name, tag}, repository)
	}
}

func FuzzPushed(f *testing.F) {
	d := digest.FromString("x").String()
	f.Add(registry.OCIManifest, `{"schemaVersion":2,"config":{"digest":"`+d+`","size":1},"layers":[],"subject":{"digest":"`+d+`"}}`)
	f.Add(registry.OCIIndex, `{"schemaVersion":2,"manifests":[{"digest":"`+d+`"}]}`)
	f.Add("", `{"schemaVersion":2,"mediaType":"`+registry.DockerIndex+`"}`)
	f.Fuzz(func(t *testing.T, label, body string) {
		m, err := parsePushed(label, []byte(body))
		if err != nil {
			refused(t, err)
			return
		}
		for _, desc := range m.named() {
			require.NoError(t, checkDigest(desc.Digest))
		}
		again, err := parsePushed(m.desc.MediaType, []byte(body))
		require.NoError(t, err, "its own type is a fitting label")
		require.Equal(t, m, again)
	})
}
