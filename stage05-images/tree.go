package images

import (
	"archive/tar"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"time"
)

// tree is a small root filesystem that is written as a layer: names without a
// leading slash, and what they are.
type tree map[string]node

type node struct {
	kind   byte   // tar's letter for directory, file, symbolic link
	mode   int64  // permission bits
	target string // of a link
	text   string // of a file, unless source is set
	source string // the host's file to copy
}

func (t tree) dir(name string, mode int64) {
	t.parents(name)
	t[name] = node{kind: tar.TypeDir, mode: mode}
}

func (t tree) link(name, target string) {
	t.parents(name)
	t[name] = node{kind: tar.TypeSymlink, mode: 0o777, target: target}
}

func (t tree) text(name, text string) {
	t.parents(name)
	t[name] = node{kind: tar.TypeReg, mode: 0o644, text: text}
}

// file copies a program or a library of the host's, not its links.
func (t tree) file(name, source string) {
	t.parents(name)
	t[name] = node{kind: tar.TypeReg, mode: 0o755, source: source}
}

func (t tree) parents(name string) {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := t[dir]; !ok {
			t[dir] = node{kind: tar.TypeDir, mode: 0o755}
		}
	}
}

// writeTar writes the tree in the order of names, all of it owned by root and
// of one date, so that equal trees are equal bytes.
func (t tree) writeTar(w io.Writer, date time.Time) error {
	out := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if err := t[name].write(out, name, date); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return out.Close()
}

func (n node) write(out *tar.Writer, name string, date time.Time) error {
	header := &tar.Header{Typeflag: n.kind, Name: name, Mode: n.mode, Linkname: n.target, Size: int64(len(n.text)), ModTime: date}
	if n.source == "" {
		if err := out.WriteHeader(header); err != nil {
			return err
		}
		_, err := io.WriteString(out, n.text)
		return err
	}
	file, err := os.Open(n.source)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	header.Size = info.Size()
	if err := out.WriteHeader(header); err != nil {
		return err
	}
	_, err = io.Copy(out, file)
	return err
}
