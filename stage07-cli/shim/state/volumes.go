package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// VolumesOf is the part of config.json that says which volumes a container
// holds.
type VolumesOf struct {
	Volumes []string `json:"volumes,omitempty"`
}

// VolumeUsers lists the containers that hold a volume. The caller has the lock
// of the volumes' directory: no container takes a volume without it.
func (l Layout) VolumeUsers(name string) (ids []string, err error) {
	entries, err := os.ReadDir(filepath.Join(l.Root, "containers"))
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		var uses VolumesOf
		err := ReadJSON(l.Container(entry.Name()), ConfigFile, &uses)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrCorrupt) {
			continue // nobody can start it any more
		}
		if err != nil {
			return nil, err
		}
		if slices.Contains(uses.Volumes, name) {
			ids = append(ids, entry.Name())
		}
	}
	return ids, nil
}

// RemoveVolume removes a volume and its content. *InUse: containers hold it.
func (l Layout) RemoveVolume(name string) error {
	lock, err := Lock(filepath.Join(l.Root, "volumes"))
	if err != nil {
		return err
	}
	defer lock.Close()
	users, err := l.VolumeUsers(name)
	if err != nil {
		return err
	}
	if len(users) > 0 {
		return &InUse{Volume: name, Containers: users}
	}
	return l.discardVolume(name)
}

// InUse says who holds a volume.
type InUse struct {
	Volume     string
	Containers []string
}

func (e *InUse) Error() string {
	return fmt.Sprintf("remove %s: volume is in use - %s", e.Volume, e.Containers)
}

func (l Layout) discardVolume(name string) error {
	tomb, err := l.scratchName("volume-" + name)
	if err != nil {
		return err
	}
	err = os.Rename(l.Volume(name), tomb)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove volume: %w", err)
	}
	return RemoveTree(tomb)
}

// RemoveVolumeIfUnused is RemoveVolume for an anonymous volume of a container
// that is gone: another may have come to use it.
func (l Layout) RemoveVolumeIfUnused(name string) error {
	err := l.RemoveVolume(name)
	if used := new(InUse); errors.As(err, &used) {
		return nil
	}
	return err
}
