package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"cooper/stage01-namespaces"
	"cooper/stage05-images"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
)

// Create makes a container and returns its id. Nothing runs yet.
func (e *Engine) Create(ctx context.Context, o CreateOptions) (id string, err error) {
	made, err := e.create(ctx, o)
	if err != nil {
		return "", err
	}
	return made.id, made.lock.Close()
}

// making is a container on its way onto the disk, and then on it.
type making struct {
	*container
	spec *network.Spec
	lock *os.File // held from before anybody else could see the container

	scratch   string // under tmp, until all of it is there
	anonymous []string
}

// create makes the container under tmp and renames it into place whole: nobody
// ever sees half of one, and a kill -9 leaves only what Sweep takes away.
func (e *Engine) create(ctx context.Context, o CreateOptions) (_ *making, err error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	img, release, err := e.useImage(ctx, o.Image)
	if err != nil {
		return nil, err
	}
	defer release()
	if err := errors.Join(e.resolveSharing(&o), o.expose(img)); err != nil {
		return nil, err
	}
	o.CgroupDriver = e.cgroupDriver()
	id := namespaces.NewID()
	m := &making{container: &container{id: id, dir: e.Container(id)}}
	m.config = config{ID: id, Created: time.Now().UTC(), ImageID: img.ID.String(), Options: o}
	for _, layer := range img.LayerNames() {
		m.config.Layers = append(m.config.Layers, layer.String())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.abandon(e))
		}
	}()
	// Volumes can't be removed while somebody decides to use them.
	volumes, err := state.Share(filepath.Join(e.Root, "volumes"))
	if err != nil {
		return nil, err
	}
	defer volumes.Close()
	mounts, err := e.volumesOf(ctx, m, img)
	if err != nil {
		return nil, err
	}
	if m.spec, err = e.configure(id, &m.config.Options, img, mounts); err != nil {
		return nil, err
	}
	if err = check(m.spec); err != nil {
		return nil, err
	}
	if err = m.build(e); err != nil {
		return nil, err
	}
	return m, m.publish(e)
}

// build writes the container's directory, still under tmp.
func (m *making) build(e *Engine) (err error) {
	if err = e.Sweep(); err != nil {
		return err
	}
	if m.scratch, err = e.Scratch(m.id); err != nil {
		return err
	}
	for _, dir := range []string{"upper", "work", "rootfs"} {
		// The upper directory's mode becomes that of the container's /.
		if err := os.Mkdir(filepath.Join(m.scratch, dir), 0o755); err != nil {
			return err
		}
	}
	path := filepath.Join(m.scratch, state.LockFile)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	m.lock, err = state.Lock(path)
	return err
}

// publish takes the name and makes the container one for everybody.
func (m *making) publish(e *Engine) error {
	durability := state.Durability(!m.config.Options.AutoRemove)
	if err := e.takeName(m); err != nil {
		return err
	}
	m.spec.Network.Names = []string{m.config.Options.Name}
	if m.spec.Hostname != m.id[:12] && m.spec.Hostname != "" {
		m.spec.Network.Names = append(m.spec.Network.Names, m.spec.Hostname)
	}
	if err := state.WriteJSON(m.scratch, state.ConfigFile, m.config, durability); err != nil {
		return err
	}
	if err := state.WriteJSON(m.scratch, state.SpecFile, m.spec, durability); err != nil {
		return err
	}
	if err := os.Rename(m.scratch, m.dir); err != nil {
		return fmt.Errorf("create container: %w", err)
	}
	m.scratch = ""
	if durability == state.Durable {
		return errors.Join(state.SyncDir(filepath.Dir(m.dir)), state.SyncDir(filepath.Join(e.Root, "names")))
	}
	return nil
}

// abandon takes back what was made of a container that can't be.
func (m *making) abandon(e *Engine) error {
	var errs []error
	if name := m.config.Options.Name; name != "" {
		errs = append(errs, e.ReleaseName(name, m.id))
	}
	if m.scratch != "" {
		errs = append(errs, state.RemoveTree(m.scratch))
	}
	if m.lock != nil {
		errs = append(errs, m.lock.Close())
	}
	for _, volume := range m.anonymous {
		errs = append(errs, state.RemoveTree(e.Layout.Volume(volume)))
	}
	return errors.Join(errs...)
}

// takeName reserves the name asked for, or invents a free one.
func (e *Engine) takeName(m *making) error {
	wanted := m.config.Options.Name
	if wanted != "" {
		err := e.ReserveName(wanted, m.id)
		taken := new(state.NameTaken)
		if errors.As(err, &taken) && e.healAll(slices.Values([]string{taken.ID})) == nil {
			err = e.ReserveName(wanted, m.id) // its holder may have been a dead one with --rm
		}
		if errors.As(err, &taken) {
			m.config.Options.Name = "" // so that nobody frees the other's
			return tell(ErrConflict, "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove (or rename) that container to be able to reuse that name.", wanted, taken.ID)
		}
		return err
	}
	for attempt := 0; ; attempt++ {
		name := inventName(attempt)
		err := e.ReserveName(name, m.id)
		if taken := new(state.NameTaken); errors.As(err, &taken) {
			continue
		}
		m.config.Options.Name = name
		return err
	}
}

// useImage finds the image, with all of its layers unpacked, and keeps them
// until the container's own configuration says that it stands on them.
func (e *Engine) useImage(ctx context.Context, name string) (img *images.Image, release func(), err error) {
	img, release, err = e.store.Use(name)
	if errors.Is(err, images.ErrNotFound) {
		return nil, nil, tell(ErrNoImage, "No such image: %s", quotedImage(name))
	}
	if err != nil {
		return nil, nil, err
	}
	if err := e.store.Unpack(ctx, img); err != nil {
		release()
		return nil, nil, err
	}
	return img, release, nil
}
