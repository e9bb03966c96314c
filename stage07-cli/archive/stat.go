package archive

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// Stat describes a file, in the form of the header X-Docker-Container-Path-Stat
// of Docker's API.
type Stat struct {
	Name       string      `json:"name"`
	Size       int64       `json:"size"` // bytes
	Mode       fs.FileMode `json:"mode"`
	ModTime    time.Time   `json:"mtime"`
	LinkTarget string      `json:"linkTarget"` // where a link leads, after all links
}

// StatOf describes what a source is. An error that is fs.ErrNotExist says that
// there is nothing, or a link to nothing.
func StatOf(s Source) (*Stat, error) {
	at, err := s.resolve()
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(at)
	if errors.Is(err, unix.ENOTDIR) {
		return nil, &fs.PathError{Op: "stat", Path: s.Path, Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, err
	}
	stat := &Stat{Name: info.Name(), Size: info.Size(), Mode: info.Mode(), ModTime: info.ModTime()}
	if info.Mode()&fs.ModeSymlink != 0 {
		stat.LinkTarget, err = filepath.EvalSymlinks(at)
		if errors.Is(err, fs.ErrNotExist) {
			stat.LinkTarget, err = os.Readlink(at)
		}
	}
	return stat, err
}
