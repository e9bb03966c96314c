package unionfs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	rootfs "cooper/stage03-rootfs"
)

// Spec is what this stage must know of a container, on top of stage 3. Rootfs
// is now only the place where the union is mounted; it is made if it is missing.
//
// All paths are absolute and may hold any byte but NUL; none is ever put into
// a string that something parses.
type Spec struct {
	rootfs.Spec

	// Lower are the read-only directories, topmost first, as in overlayfs's
	// lowerdir=. What an image calls its first layer is the last one here.
	// Without any, Rootfs itself is the root, as in stage 3.
	Lower []string `json:"lower,omitempty"`

	// Upper takes every change, and Work is overlayfs's own, on the same
	// filesystem. Both are made if they are missing. Without them nothing in
	// the root can be changed.
	Upper string `json:"upper,omitempty"`
	Work  string `json:"work,omitempty"`

	// Volatile says that the changes are thrown away with the container: then
	// nothing needs to reach the disk, and fsync(2) costs the command nothing.
	// After a crash of the machine such an upper directory is refused.
	Volatile bool `json:"volatile,omitempty"`
}

// mostLowers is the kernel's OVL_MAX_STACK.
const mostLowers = 500

// Validate refuses a Spec that can't become a container, before anything is
// made.
func (s *Spec) Validate() error {
	if err := s.Spec.Validate(); err != nil {
		return err
	}
	if (s.Upper == "") != (s.Work == "") {
		return fmt.Errorf("upper %q and work %q: overlayfs needs both or none", s.Upper, s.Work)
	}
	if s.Upper != "" && len(s.Lower) == 0 {
		return fmt.Errorf("upper directory %s lies over nothing: give lower directories", s.Upper)
	}
	if s.Upper == "" && len(s.Lower) == 1 {
		return fmt.Errorf("one lower directory and no upper one are no union: give an upper directory")
	}
	if len(s.Lower) > mostLowers {
		return fmt.Errorf("%d lower directories: overlayfs takes %d", len(s.Lower), mostLowers)
	}
	return s.validatePaths()
}

func (s *Spec) validatePaths() error {
	for _, dir := range slices.Concat(s.Lower, s.writable()) {
		if !filepath.IsAbs(dir) || strings.ContainsRune(dir, 0) {
			return fmt.Errorf("directory %q: give an absolute path", dir)
		}
	}
	if filepath.Clean(s.Upper) == "/" {
		return fmt.Errorf("upper directory /: the host's own root can't take a container's changes")
	}
	return nil
}

// Complete fills in what a person at a terminal leaves out: relative paths
// become absolute, a work directory stands beside the upper one, and the union
// is mounted in the directory scratch, which also takes the changes if nothing
// else was named for them.
func (s *Spec) Complete(scratch string) (err error) {
	s.Rootfs = filepath.Join(scratch, "root")
	switch {
	case s.Upper == "" && s.Work == "":
		s.Upper, s.Work = filepath.Join(scratch, "upper"), filepath.Join(scratch, "work")
	case s.Work == "":
		s.Work = filepath.Clean(s.Upper) + ".work"
	}
	if s.Upper, err = filepath.Abs(s.Upper); err != nil {
		return err
	}
	if s.Work, err = filepath.Abs(s.Work); err != nil {
		return err
	}
	for i := range s.Lower {
		if s.Lower[i], err = filepath.Abs(s.Lower[i]); err != nil {
			return err
		}
	}
	return nil
}

// writable lists the directories that the union writes in.
func (s *Spec) writable() []string {
	if s.Upper == "" {
		return nil
	}
	return []string{s.Upper, s.Work}
}
