package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// An output is where a command writes a tar: a file that has its name only when
// it is whole, or standard output.
type output struct {
	io.Writer
	file *os.File // nil for standard output
	path string
	temp string // its name until then; "" while it has none
}

// createOutput makes a file without a name next to path, see O_TMPFILE in
// open(2): when we are killed, the kernel removes it. What has the name now
// stays until there is something to replace it.
func createOutput(path string) (*output, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("write %s: it's no regular file: leave -o out and redirect standard output", path)
	}
	dir := filepath.Dir(path)
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_WRONLY|unix.O_CLOEXEC, 0o600)
	if err == nil {
		file := os.NewFile(uintptr(fd), path)
		return &output{Writer: file, file: file, path: path}, nil
	}
	if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
		return nil, &fs.PathError{Op: "write", Path: path, Err: err}
	}
	file, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // a file system that can't
	if err != nil {
		return nil, err
	}
	return &output{Writer: file, file: file, path: path, temp: file.Name()}, nil
}

// commit gives the file its name, once its bytes are on the disk.
func (o *output) commit() error {
	if o.file == nil {
		return nil
	}
	if err := o.file.Sync(); err != nil {
		return fmt.Errorf("write %s: %w", o.path, err)
	}
	if o.temp == "" {
		err := o.link(o.path)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
		// linkat(2) replaces nothing, so it takes a name of its own first.
		temp := filepath.Join(filepath.Dir(o.path), "."+filepath.Base(o.path)+"."+namespaces.NewID()[:12])
		if err := o.link(temp); err != nil {
			return err
		}
		o.temp = temp
	}
	if err := os.Rename(o.temp, o.path); err != nil {
		return err
	}
	o.temp = ""
	return nil
}

// link names a file that has none; see the last example in open(2) under
// O_TMPFILE.
func (o *output) link(name string) error {
	source := fmt.Sprintf("/proc/self/fd/%d", o.file.Fd())
	err := unix.Linkat(unix.AT_FDCWD, source, unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
	if err != nil {
		return &fs.PathError{Op: "linkat", Path: name, Err: err}
	}
	return nil
}

// discard closes the file, and removes it if it didn't get its name.
func (o *output) discard() {
	if o.file == nil {
		return
	}
	o.file.Close()
	if o.temp != "" {
		os.Remove(o.temp)
	}
}
