package engine

import (
	"path/filepath"

	"cooper/stage04-unionfs"
)

// placeholders are the places of what every container has mounted.
var placeholders = []string{"dev", "proc", "sys", "etc/hostname", "etc/hosts", "etc/resolv.conf"}

// Diff lists in what a container's files differ from its image's. The upper
// directory tells; nothing is mounted, and what didn't change isn't read.
func (e *Engine) Diff(name string) ([]unionfs.Change, error) {
	c, lock, err := e.claimWhole(name)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	spec, err := c.spec()
	if err != nil {
		return nil, err
	}
	return unionfs.Changes(filepath.Join(c.dir, "upper"), spec.Lower, placeholders...)
}
