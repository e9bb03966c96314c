package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	urfave "github.com/urfave/cli/v2"
)

// An idFile is what --cidfile names, or nothing. It is made before the
// container is, so that two lines with the same file can't both succeed, and
// goes again when there was no id to write.
type idFile struct {
	file    *os.File
	written bool
}

func newIDFile(c *urfave.Context) (*idFile, error) {
	path := c.String("cidfile")
	if path == "" {
		return new(idFile), nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("container ID file found, make sure the other container isn't running or delete %s", clean(path))
	}
	return &idFile{file: file}, err
}

// write writes the id of the container that was made.
func (f *idFile) write(id string) error {
	if f.file == nil {
		return nil
	}
	f.written = true
	_, err := f.file.WriteString(id)
	return err
}

func (f *idFile) close() {
	if f.file == nil {
		return
	}
	f.file.Close()
	if !f.written {
		_ = os.Remove(f.file.Name())
	}
}
