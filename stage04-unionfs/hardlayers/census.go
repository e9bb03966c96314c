package hardlayers

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Census describes everything in a directory, one line for each name, with all
// that a layer may say of it; equal censuses are equal trees. It reads a mounted
// union as well as a layer's directory, where a whiteout "is gone".
//
//	"files/plain" 100640 12:34 1000000000.000000000 "hello"
//	"files/second" is "files/plain"
//
// A name's first line is that of the name that sorts first of a file's. The
// root's time isn't told: nobody agrees on it.
func Census(root string) (string, error) {
	c := census{root: root, first: map[inode]string{}}
	if err := filepath.WalkDir(root, c.visit); err != nil {
		return "", fmt.Errorf("census: %w", err)
	}
	return c.lines.String(), nil
}

type inode struct{ device, number uint64 }

type census struct {
	root  string
	lines strings.Builder
	first map[inode]string // the first name of each file
}

func (c *census) visit(path string, _ fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	name, err := filepath.Rel(c.root, path)
	if err != nil {
		return err
	}
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		return &os.PathError{Op: "lstat", Path: path, Err: err}
	}
	kind := stat.Mode & unix.S_IFMT
	if kind == unix.S_IFCHR && stat.Rdev == 0 {
		fmt.Fprintf(&c.lines, "%q is gone\n", name)
		return nil
	}
	if kind != unix.S_IFDIR {
		file := inode{uint64(stat.Dev), stat.Ino}
		if first, known := c.first[file]; known {
			fmt.Fprintf(&c.lines, "%q is %q\n", name, first)
			return nil
		}
		c.first[file] = name
	}
	fmt.Fprintf(&c.lines, "%q %o %d:%d", name, stat.Mode, stat.Uid, stat.Gid)
	if name != "." {
		fmt.Fprintf(&c.lines, " %d.%09d", stat.Mtim.Sec, stat.Mtim.Nsec)
	}
	return c.rest(path, kind, &stat)
}

// rest ends a line with what only some kinds have.
func (c *census) rest(path string, kind uint32, stat *unix.Stat_t) error {
	switch kind {
	case unix.S_IFREG:
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		fmt.Fprint(&c.lines, " ", brief(body))
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		if err != nil {
			return err
		}
		fmt.Fprintf(&c.lines, " -> %q\n", target)
		return nil
	case unix.S_IFCHR, unix.S_IFBLK:
		fmt.Fprintf(&c.lines, " device %d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev))
	}
	list, err := Attributes(path)
	for _, attribute := range list {
		fmt.Fprint(&c.lines, " ", attribute)
	}
	fmt.Fprintln(&c.lines)
	return err
}

// brief is a short content itself, or else its length and digest.
func brief(body []byte) string {
	if len(body) <= 40 {
		return fmt.Sprintf("%q", body)
	}
	return fmt.Sprintf("%d bytes %x", len(body), sha256.Sum256(body))
}

// Attributes lists the extended attributes, except those by which overlayfs
// remembers where it copied a file from, and what the machine's own security
// modules write.
func Attributes(path string) ([]string, error) {
	var list []string
	names, err := readAttribute(func(b []byte) (int, error) { return unix.Llistxattr(path, b) })
	for name := range strings.SplitSeq(string(names), "\x00") {
		switch name {
		case "", "security.selinux",
			"trusted.overlay.origin", "trusted.overlay.impure", "trusted.overlay.uuid", "trusted.overlay.upper",
			"user.overlay.origin", "user.overlay.impure", "user.overlay.uuid", "user.overlay.upper":
			continue
		}
		value, err := readAttribute(func(b []byte) (int, error) { return unix.Lgetxattr(path, name, b) })
		if err != nil {
			return nil, err
		}
		list = append(list, fmt.Sprintf("%s=%q", name, value))
	}
	slices.Sort(list) // the kernel lists them as they were set
	return list, err
}

// readAttribute reads up to the 64 KiB that the kernel allows. Where there are
// no attributes, nothing is read.
func readAttribute(read func([]byte) (int, error)) ([]byte, error) {
	value := make([]byte, 64<<10)
	n, err := read(value)
	if err == unix.ENOTSUP {
		return nil, nil
	}
	return value[:max(n, 0)], err
}
