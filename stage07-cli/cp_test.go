package cli

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Docker 20.10 was asked each of these.
func TestCpSettlesWhereFilesGoAsDockerDoes(t *testing.T) {
	h := newHost(t)
	h.ok("create", "--name", "web", "--network", "none", "base", "true")
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(dir+"/d/sub", 0o755))
	require.NoError(t, os.WriteFile(dir+"/d/x", []byte("x"), 0o644))
	require.NoError(t, os.WriteFile(dir+"/f", []byte("f\n"), 0o644))
	require.NoError(t, os.Symlink("/etc/passwd", dir+"/abs"))
	require.NoError(t, os.Symlink("d", dir+"/dl"))
	require.NoError(t, os.Lchown(dir+"/f", 1000, 1000))
	require.NoError(t, os.Chmod(dir+"/f", 0o750|os.ModeSetuid))

	for _, c := range []struct{ line, fails, then string }{
		{"cooper cp f web:/new", "", "cooper cp web:/new - | tar tv | grep -q '^-rwsr-x--- 1000/1000.* new$'"},
		{"cooper cp f web:/nodir/", "no such directory", ""},
		{"cooper cp f web:/tmp", "", "cooper cp web:/tmp - | tar t | grep -qx tmp/f"},
		{"cooper cp f web:rel", "", "cooper cp web:/rel - | tar t | grep -qx rel"},
		{"cooper cp d web:/dd", "", "test \"$(cooper cp web:/dd - | tar t | xargs)\" = 'dd/ dd/sub/ dd/x'"},
		{"cooper cp d web:/dd", "", "cooper cp web:/dd - | tar t | grep -qx dd/d/x"},
		{"cooper cp d/. web:/tmp", "", "cooper cp web:/tmp/. - | tar t | grep -qx x"},
		{"cooper cp d/ web:/slash", "", "cooper cp web:/slash - | tar t | grep -qx slash/x"},
		{"cooper cp d web:/new", "cannot copy directory", ""},
		{"cooper cp d web:/p/q", "Could not find the file /p in container web", ""},
		{"cooper cp f web:/no/such", "Could not find the file /no in container web", ""},
		{"cooper cp nope web:/", "no such file or directory", ""},
		{"cooper cp web:/nope .", "Could not find the file /nope in container web", ""},
		{"cooper cp f nobody:/", "No such container: nobody", ""},
		{"cooper cp f /tmp", "must specify at least one container source", ""},
		{"cooper cp web:/a web:/b", "copying between containers is not supported", ""},
		{"cooper cp abs web:/abs", "", "cooper cp web:/abs - | tar tv | grep -q ' abs -> /etc/passwd$'"},
		{"cooper cp -L abs web:/absL", "", "cooper cp web:/absL - | tar tv | grep -q '^-.* absL$'"},
		{"cooper cp dl web:/dl", "", "cooper cp web:/dl - | tar tv | grep -q '^l'"},
		{"cooper cp -L dl web:/dL", "", "cooper cp web:/dL - | tar t | grep -qx dL/x"},
		{"tar c f d | cooper cp - web:/dd", "", "cooper cp web:/dd - | tar t | grep -qx dd/d/sub/"},
		{"tar c f | cooper cp - web:/new", `destination "web:/new" must be a directory`, ""},
		{"head -c 2000 /dev/zero | tr '\\0' x | cooper cp - web:/tmp", "read tar", ""},

		{"mkdir out && cooper cp web:/dd out", "", "test -f out/dd/x"},
		{"cooper cp web:/dd/. out", "", "test -f out/x"},
		{"cooper cp web:/new out/n", "", "test $(stat -c %u:%g:%a out/n) = 0:0:750"},
		{"cooper cp web:/new out/", "", "test -f out/new"},
		{"cooper cp web:/dd out/n", "cannot copy directory", ""},
		{"cooper cp web:/new out/none/", "no such directory", ""},
		{"cooper cp web:/new none/n", "invalid output path: directory \"none\" does not exist", ""},
		{"cooper cp web:/abs out/abs", "", "test -L out/abs"},
		{"cooper cp -a web:/new out/a", "", "test $(stat -c %u:%g:%a out/a) = 1000:1000:4750"},
		{"ln -s out/n to-n; cooper cp web:/rel to-n", "", "test -L to-n"},
		{"cooper cp web:/ out/root", "", "test -d out/root/bin"},
		{"touch web:x; cooper cp ./web:x web:/tmp", "", "cooper cp web:/tmp - | tar t | grep -qx tmp/web:x"},
	} {
		r := h.shell("cd " + dir + "\n" + c.line)
		if c.fails != "" {
			require.Equal(t, 1, r.code, c.line)
			require.Contains(t, r.stderr, c.fails, c.line)
			continue
		}
		require.Zero(t, r.code, "%s: %s", c.line, r.stderr)
		r = h.shell("cd " + dir + "\n" + c.then)
		require.Zero(t, r.code, "%s, then %s: %s", c.line, c.then, r.stderr)
	}
	info, err := os.Stat(filepath.Join(dir, "out/n"))
	require.NoError(t, err)
	require.Zero(t, info.Mode()&os.ModeSetuid)
	require.Zero(t, info.Sys().(*syscall.Stat_t).Uid)
	h.ok("rm", "web")
}
