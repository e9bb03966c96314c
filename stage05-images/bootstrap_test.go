package images

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	namespaces "cooper/stage01-namespaces"
	"cooper/stage01-namespaces/notrace"
	rootfs "cooper/stage03-rootfs"

	"github.com/stretchr/testify/require"
)

// run runs a shell command in a container of the image.
func run(t *testing.T, s *Store, img *Image, command string) (output string, exitCode int) {
	t.Helper()
	spec := &Spec{Image: "test"}
	spec.Spec.Spec = rootfs.Defaults()
	spec.ID = namespaces.NewID()
	Configure(spec, img, Overrides{Args: []string{"sh", "-c", command}})
	dir := t.TempDir()
	spec.Lower, spec.Rootfs = s.LayerDirs(img), filepath.Join(dir, "rootfs")
	spec.Upper, spec.Work = filepath.Join(dir, "upper"), filepath.Join(dir, "work")
	require.NoError(t, os.Mkdir(spec.Rootfs, 0o700))
	require.NoError(t, spec.Validate())

	in, out, err := os.Pipe()
	require.NoError(t, err)
	defer in.Close()
	p := &namespaces.Process{Stdout: out, Stderr: out}
	code, err := namespaces.Foreground(p, Outside(spec, p, s))
	out.Close()
	require.NoError(t, err)
	text, err := io.ReadAll(in)
	require.NoError(t, err)
	return strings.TrimSpace(string(text)), code
}

func TestAContainerRunsTheImageOfThisMachinesBusybox(t *testing.T) {
	notrace.Check(t)
	notrace.NeedTool(t, "busybox")
	s := newStore(t)
	img, err := Bootstrap(context.Background(), s, "base:latest")
	require.NoError(t, err)
	out, code := run(t, s, img, `id -un; ls -d /tmp /usr/bin/awk; echo "$PATH"; exit 3`)
	require.Equal(t, "root\n/tmp\n/usr/bin/awk\n"+DefaultPath, out)
	require.Equal(t, 3, code)

	again, err := Bootstrap(context.Background(), newStore(t), "base:latest")
	require.NoError(t, err)
	require.Equal(t, img.ID, again.ID, "one machine makes one image")
}

func TestAContainerRunsThisMachinesOwnShellWithItsLibraries(t *testing.T) {
	notrace.Check(t)
	s := newStore(t)
	dir := t.TempDir() // a machine without busybox
	for _, name := range []string{"sh", "ls", "sort", "id"} {
		require.NoError(t, os.Symlink(find(searchPath(), name), filepath.Join(dir, name)))
	}
	img, err := bootstrap(context.Background(), s, "base:latest", []string{dir})
	require.NoError(t, err)
	out, code := run(t, s, img, `id -u; ls / | sort -r | { read first; echo "$first"; }; exit 4`)
	require.Equal(t, "0\nvar", out)
	require.Equal(t, 4, code)

	_, err = bootstrap(context.Background(), s, "base:latest", []string{t.TempDir()})
	require.ErrorContains(t, err, "install busybox-static")
}

func TestAnImageThatSkopeoBroughtIsUnpackedByTheStep(t *testing.T) {
	notrace.Check(t)
	notrace.NeedTool(t, "busybox")
	mine, s := newStore(t), newStore(t)
	_, err := Bootstrap(context.Background(), mine, "base:latest")
	require.NoError(t, err)
	tool(t, "skopeo", "copy", "-q", "oci:"+mine.Dir()+":base:latest", "oci:"+s.Dir()+":base:latest")
	img, err := s.Find("base")
	require.NoError(t, err)
	require.NoDirExists(t, s.LayerDirs(img)[0])
	out, code := run(t, s, img, "echo here")
	require.Equal(t, "here", out)
	require.Equal(t, 0, code)
	requireClean(t, s)
}

func TestBusyboxsTableOfAppletsIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "busybox")
	for content, want := range map[string][]string{
		"\x00x\x00[\x00[[\x00ar\x00zcat\x00\x00x": {"[", "[[", "ar", "zcat"},
		"no table":                    nil,
		"\x00[\x00[[\x00never ends":   nil,
		"\x00[\x00[[\x00../x\x00\x00": nil,
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := busyboxApplets(path)
		require.Equal(t, want, got)
		require.Equal(t, want == nil, err != nil)
	}
}
