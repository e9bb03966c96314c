package engine

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cooper/stage01-namespaces"
	"cooper/stage03-rootfs"
	"cooper/stage05-images"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// A volume is a directory:
//
//	ROOT/volumes/NAME/_data         what containers see
//	                  volume.json   the rest

// Volume is a named directory that outlives containers.
type Volume struct {
	Name       string            `json:"name"`
	Mountpoint string            `json:"-"` // the directory on the host
	Created    time.Time         `json:"created"`
	Labels     map[string]string `json:"labels,omitempty"`
	Anonymous  bool              `json:"anonymous,omitempty"`
}

const volumeFile = "volume.json"

// CreateVolume makes a volume, or returns the one there is; "" invents a name.
func (e *Engine) CreateVolume(name string, labels map[string]string) (*Volume, error) {
	anonymous := name == ""
	if anonymous {
		name = namespaces.NewID()
	}
	if !validName(name) {
		return nil, tell(ErrInvalid, "%s includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed", quoted(name))
	}
	volume, _, err := e.makeVolume(Volume{Name: name, Labels: labels, Anonymous: anonymous})
	return volume, err
}

// makeVolume makes the volume under tmp and renames it into place, which of two
// at once one does.
func (e *Engine) makeVolume(v Volume) (_ *Volume, isNew bool, err error) {
	if there, err := e.Volume(v.Name); err == nil || !errors.Is(err, ErrNotFound) {
		return there, false, err
	}
	v.Created = time.Now().UTC()
	scratch, err := e.Scratch("volume-" + v.Name)
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, state.RemoveTree(scratch)) }()
	if err := os.Mkdir(filepath.Join(scratch, "_data"), 0o755); err != nil {
		return nil, false, err
	}
	if err := state.WriteJSON(scratch, volumeFile, v, state.Durable); err != nil {
		return nil, false, err
	}
	err = unix.Renameat2(unix.AT_FDCWD, scratch, unix.AT_FDCWD, e.Layout.Volume(v.Name), unix.RENAME_NOREPLACE)
	if err != nil && err != unix.EEXIST {
		return nil, false, &os.PathError{Op: "renameat2", Path: e.Layout.Volume(v.Name), Err: err}
	}
	isNew = err == nil
	if err := state.SyncDir(filepath.Join(e.Root, "volumes")); err != nil {
		return nil, false, err
	}
	volume, err := e.Volume(v.Name)
	return volume, isNew, err
}

// Volume returns one volume.
func (e *Engine) Volume(name string) (*Volume, error) {
	missing := tell(ErrNotFound, "get %s: no such volume", quoted(name))
	if !validName(name) {
		return nil, missing
	}
	dir := e.Layout.Volume(name)
	if _, err := os.Lstat(filepath.Join(dir, "_data")); errors.Is(err, fs.ErrNotExist) {
		return nil, missing
	}
	v := new(Volume)
	err := state.ReadJSON(dir, volumeFile, v)
	if err != nil && !errors.Is(err, state.ErrCorrupt) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// The content is what counts: it is usable though its description is broken.
	v.Name, v.Mountpoint = name, filepath.Join(dir, "_data")
	return v, nil
}

// Volumes lists the volumes by name.
func (e *Engine) Volumes() ([]Volume, error) {
	entries, err := os.ReadDir(filepath.Join(e.Root, "volumes"))
	if err != nil {
		return nil, err
	}
	var list []Volume
	for _, entry := range entries {
		if v, err := e.Volume(entry.Name()); err == nil {
			list = append(list, *v)
		}
	}
	return list, nil
}

// RemoveVolume removes a volume that no container uses.
func (e *Engine) RemoveVolume(name string) error {
	if _, err := e.Volume(name); err != nil {
		return err
	}
	err := e.Layout.RemoveVolume(name)
	if used := new(state.InUse); errors.As(err, &used) {
		return tell(ErrConflict, "remove %s: volume is in use - [%s]", name, strings.Join(used.Containers, ", "))
	}
	return err
}

// volumesOf turns the mounts asked for, and the volumes that the image asks
// for, into mounts of host directories. The caller has the volumes' lock.
func (e *Engine) volumesOf(ctx context.Context, m *making, img *images.Image) ([]rootfs.Mount, error) {
	wanted := slices.Clone(m.config.Options.Mounts)
	for destination := range img.Config.Config.Volumes {
		// What an image writes there is only a place: "/../.." is inside the container's root too.
		place := filepath.Join("/", destination)
		taken := slices.ContainsFunc(wanted, func(w Mount) bool { return filepath.Clean(w.Destination) == place })
		if !taken && place != "/" {
			wanted = append(wanted, Mount{Type: "volume", Destination: place})
		}
	}
	var mounts []rootfs.Mount
	for _, w := range wanted {
		mount, err := e.mountOf(ctx, m, img, w)
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, mount)
	}
	return mounts, nil
}

func (e *Engine) mountOf(ctx context.Context, m *making, img *images.Image, w Mount) (rootfs.Mount, error) {
	mount := rootfs.Mount{Type: w.Type, Source: w.Source, Destination: filepath.Clean(w.Destination), Options: slices.Clone(w.Options),
		UIDMappings: w.UIDMappings, GIDMappings: w.GIDMappings}
	if w.ReadOnly {
		mount.Options = append(mount.Options, "ro")
	}
	switch w.Type {
	case "tmpfs":
		mount.Options = append([]string{"nosuid", "nodev", "noexec"}, mount.Options...)
	case "bind":
		return mount, hostPath(w)
	case "volume":
		volume, isNew, err := e.makeVolume(Volume{Name: nameOrNew(w.Source), Anonymous: w.Source == ""})
		if err != nil {
			return mount, err
		}
		m.config.Volumes = append(m.config.Volumes, volume.Name)
		if volume.Anonymous && isNew {
			m.anonymous = append(m.anonymous, volume.Name)
			m.config.Anonymous = append(m.config.Anonymous, volume.Name)
		}
		if !w.NoCopy {
			if err := e.copyUp(ctx, img, mount.Destination, volume.Mountpoint); err != nil {
				return mount, err
			}
		}
		mount.Type, mount.Source = "bind", volume.Mountpoint
		mount.Options = append([]string{"rbind"}, mount.Options...)
	}
	return mount, nil
}

func nameOrNew(name string) string {
	if name == "" {
		return namespaces.NewID()
	}
	return name
}

// hostPath checks the source of a bind mount; -v makes a missing one a
// directory, as Docker does.
func hostPath(w Mount) error {
	_, err := os.Stat(w.Source)
	if errors.Is(err, fs.ErrNotExist) {
		if w.CreateHost {
			return os.MkdirAll(w.Source, 0o755)
		}
		return tell(ErrInvalid, "invalid mount config for type \"bind\": bind source path does not exist: %s", quotedPath(w.Source))
	}
	return err
}
