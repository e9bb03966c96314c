package engine

import (
	"context"
	"errors"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"cooper/stage04-unionfs"
	"cooper/stage05-images"
)

// CommitOptions is what `cooper commit` takes.
type CommitOptions struct {
	Name    string // "repo:tag"; "" leaves the image nameless
	Author  string
	Comment string
	NoPause bool     // don't freeze the container's processes meanwhile
	Changes []string // Dockerfile instructions: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR
}

// Commit makes an image of what the container has changed, and returns its id.
//
// The writable layer is a directory on the host, so nothing is mounted for it.
// The container's lock makes rm wait; freezing makes its files stand still.
func (e *Engine) Commit(ctx context.Context, name string, o CommitOptions) (imageID string, err error) {
	c, lock, err := e.claimWhole(name)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	parent, release, err := e.store.Use(c.config.ImageID)
	if err != nil {
		return "", err
	}
	defer release()
	run, err := e.commitConfig(c, parent, o.Changes)
	if err != nil {
		return "", err
	}
	if c.running() && !o.NoPause {
		thaw, err := c.freeze()
		if err != nil {
			return "", err
		}
		defer func() { err = errors.Join(err, thaw()) }()
	}
	layer, write := io.Pipe()
	defer layer.Close() // ends Diff, should Commit give up on it
	go func() { write.CloseWithError(unionfs.Diff(write, filepath.Join(c.dir, "upper"), placeholders...)) }()
	img, err := e.store.Commit(ctx, images.CommitOptions{
		Parent: parent, Layer: layer, Config: *run,
		Author: o.Author, Comment: o.Comment, Name: o.Name, CreatedBy: c.commandLine(),
	})
	if err != nil {
		return "", err
	}
	return img.ID.String(), nil
}

// commitConfig is how containers of the new image are run: the parent's way,
// with what the user asked of this container, and the changes.
func (e *Engine) commitConfig(c *container, parent *images.Image, changes []string) (*images.RunConfig, error) {
	run := parent.Config.Config
	o := &c.config.Options
	if o.Entrypoint != nil {
		run.Entrypoint, run.Cmd = slices.DeleteFunc(slices.Clone(o.Entrypoint), func(s string) bool { return s == "" }), nil
	}
	if len(o.Args) > 0 {
		run.Cmd = o.Args
	}
	for _, pair := range o.Env {
		run.Env = setVariable(run.Env, pair)
	}
	if o.User != "" {
		run.User = o.User
	}
	if o.Cwd != "" {
		run.WorkingDir = o.Cwd
	}
	if o.StopSignal != "" {
		run.StopSignal = o.StopSignal
	}
	run.ExposedPorts = maps.Clone(run.ExposedPorts)
	for _, port := range o.Expose {
		put(&run.ExposedPorts, port, struct{}{})
	}
	run.Labels = maps.Clone(run.Labels)
	for key, value := range o.Labels {
		put(&run.Labels, key, value)
	}
	for _, change := range changes {
		if err := applyChange(&run, change); err != nil {
			return nil, err
		}
	}
	return &run, nil
}

// commandLine is what the image's history says of the layer.
func (c *container) commandLine() string {
	spec, err := c.spec()
	if err != nil {
		return ""
	}
	return strings.Join(spec.Args, " ")
}
