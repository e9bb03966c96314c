// Package busyroot makes throw-away root filesystems for tests: one static
// busybox, the names of its applets, and the few files of /etc that a
// container reads.
//
// Think of it as: the smallest Linux that has a shell.
package busyroot

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Busybox is the static shell and tools of the test machine, as Debian's
// package busybox-static installs it.
const Busybox = "/bin/busybox"

// files are written into every root. The users are those that the tests need:
// root, a plain user with two groups beside their own, and nobody.
var files = map[string]string{
	"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n" +
		"alice:x:1000:1000:Alice:/home/alice:/bin/sh\n" +
		"nobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
	"etc/group": "root:x:0:\n" +
		"tty:x:5:\n" +
		"audio:x:29:alice\n" +
		"users:x:100:alice\n" +
		"alice:x:1000:\n" +
		"nogroup:x:65534:\n",
	"etc/hostname": "busyroot\n",
}

// New returns the directory of a fresh root. It goes away with the test.
func New(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	if err := Make(root); err != nil {
		t.Fatalf("make a root from %s (Debian: apt install busybox-static): %v", Busybox, err)
	}
	return root
}

// Make fills the directory root, whose modes don't depend on the umask.
func Make(root string) error {
	for dir, mode := range map[string]os.FileMode{
		"": 0o755, "bin": 0o755, "sbin": 0o755, "usr": 0o755, "usr/bin": 0o755, "usr/sbin": 0o755,
		"etc": 0o755, "dev": 0o755, "proc": 0o755, "sys": 0o755, "run": 0o755, "var": 0o755, "var/log": 0o755,
		"home": 0o755, "home/alice": 0o755, "root": 0o700, "tmp": 0o777 | os.ModeSticky,
	} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
		if err := os.Chmod(filepath.Join(root, dir), mode); err != nil {
			return err
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	if err := os.Chown(filepath.Join(root, "home/alice"), 1000, 1000); err != nil && os.Geteuid() == 0 {
		return err
	}
	return installBusybox(root)
}

// installBusybox copies the program and links the name of each applet to it,
// at the place where the applet expects to be.
func installBusybox(root string) error {
	program, err := os.ReadFile(Busybox)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), program, 0o755); err != nil {
		return err
	}
	applets, err := exec.Command(Busybox, "--list-full").Output()
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(applets)) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.Symlink("/bin/busybox", path); err != nil && !os.IsExist(err) {
			return err
		}
	}
	return nil
}
