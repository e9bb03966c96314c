package images

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Bootstrap makes an image out of this machine, for the first container where
// no registry is in reach: of a statically linked busybox if there is one, and
// else of the machine's own shell and tools with the libraries that they need.
// The same machine makes the same image, with the same ID, every time.
func Bootstrap(ctx context.Context, s *Store, name string) (*Image, error) {
	img, err := bootstrap(ctx, s, name, searchPath())
	if err != nil {
		return nil, fmt.Errorf("bootstrap %s: %w", name, err)
	}
	return img, nil
}

// searchPath lists where programs may be; a service's PATH may lack sbin.
func searchPath() []string {
	dirs := filepath.SplitList(os.Getenv("PATH"))
	return append(dirs, "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")
}

func bootstrap(ctx context.Context, s *Store, name string, dirs []string) (*Image, error) {
	root := emptyRoot()
	made, err := addBusybox(root, dirs)
	if err != nil {
		return nil, err
	}
	createdBy := "busybox of this machine"
	if made.IsZero() {
		createdBy = "shell and tools of this machine"
		if made, err = addTools(root, dirs); err != nil {
			return nil, err
		}
	}
	reader, writer := io.Pipe()
	defer reader.Close()
	go func() { writer.CloseWithError(root.writeTar(writer, made)) }()
	config := RunConfig{}
	config.Env, config.Cmd = []string{"PATH=" + DefaultPath}, []string{"sh"}
	return s.Commit(ctx, CommitOptions{Layer: reader, Config: config, CreatedBy: createdBy, Created: made, Name: name})
}

// emptyRoot is what programs expect of any root.
func emptyRoot() tree {
	root := tree{}
	for _, dir := range []string{"bin", "dev", "etc", "home", "lib", "proc", "run", "sys", "usr", "var"} {
		root.dir(dir, 0o755)
	}
	root.dir("root", 0o700)
	root.dir("tmp", 0o1777)
	root.dir("var/tmp", 0o1777)
	root.link("usr/bin", "../bin")
	root.link("sbin", "bin")
	root.text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
	root.text("etc/group", "root:x:0:\nnogroup:x:65534:\n")
	root.text("etc/os-release", "NAME=\"Cooper base\"\nID=cooper-base\nPRETTY_NAME=\"Cooper base image\"\n")
	return root
}

// addBusybox adds a static busybox with a link for each of its applets, and
// returns its date; zero where there is none.
func addBusybox(root tree, dirs []string) (time.Time, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, "busybox")
		bin, err := readELF(path)
		if err != nil || bin.interpreter != "" {
			continue
		}
		applets, err := busyboxApplets(path)
		if err != nil {
			continue
		}
		root.file("bin/busybox", path)
		for _, applet := range applets {
			if applet != "busybox" { // it lists itself
				root.link("bin/"+applet, "busybox")
			}
		}
		return modified(path)
	}
	return time.Time{}, nil
}

// busyboxApplets reads the names out of the program itself, as asking it would
// mean to run it. They lie there as one sorted table, each with a zero byte
// behind it, and "[" and "[[" are always first:
//
//	[ 00 [[ 00 acpid 00 adjtimex 00 … zcat 00 00
func busyboxApplets(path string) ([]string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, table, found := strings.Cut(string(data), "\x00[\x00[[\x00")
	names, _, ended := strings.Cut(table, "\x00\x00")
	if !found || !ended {
		return nil, errors.New("busybox has no table of applets")
	}
	applets := append([]string{"[", "[["}, strings.Split(names, "\x00")...)
	for _, name := range applets {
		if name == "" || len(name) > 30 || strings.Contains(name, "/") {
			return nil, errors.New("busybox has a table of applets that makes no sense")
		}
	}
	return applets, nil
}

func modified(path string) (time.Time, error) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime().UTC().Truncate(time.Second), nil
}
