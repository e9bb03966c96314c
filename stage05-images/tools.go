package images

import (
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// tools are the programs of a base image without busybox, as far as the
// machine has them; only sh must be there.
func tools() []string {
	return []string{
		"sh", "bash", "awk", "basename", "cat", "chmod", "chown", "cp", "cut", "date", "dd", "df", "dirname",
		"du", "echo", "env", "expr", "false", "find", "grep", "head", "hostname", "id", "ip", "kill", "ln", "ls",
		"mkdir", "mkfifo", "mknod", "mount", "mv", "nc", "od", "printf", "ps", "pwd", "readlink", "rm", "rmdir",
		"sed", "seq", "sha256sum", "sleep", "sort", "stat", "stty", "sync", "tail", "tar", "tee", "test",
		"touch", "tr", "true", "tty", "umount", "uname", "uniq", "wc", "wget", "whoami", "xargs", "yes",
	}
}

// addTools adds programs and, following DT_NEEDED from one to the next, every
// library they need. It returns the date of the youngest.
func addTools(root tree, dirs []string) (time.Time, error) {
	libraries := newLibraries()
	var youngest time.Time
	for _, name := range tools() {
		path := find(dirs, name)
		bin, err := readELF(path)
		if err != nil {
			if name == "sh" {
				return youngest, fmt.Errorf("no static busybox and no shell on this machine: install busybox-static")
			}
			continue // not there, or a script
		}
		if err := libraries.need(path, bin); err != nil {
			return youngest, err
		}
		root.file("bin/"+name, path)
		libraries.seen = append(libraries.seen, path)
	}
	for name, path := range libraries.found {
		root.file(filepath.Join(libraries.home(), name)[1:], path)
	}
	for interpreter := range libraries.interpreters {
		root.file(interpreter[1:], interpreter)
	}
	for _, path := range libraries.seen {
		made, err := modified(path)
		if err != nil {
			return youngest, err
		}
		if made.After(youngest) {
			youngest = made
		}
	}
	return youngest, nil
}

func find(dirs []string, name string) string {
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
			return path
		}
	}
	return ""
}
