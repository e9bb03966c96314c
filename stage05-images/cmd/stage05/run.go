package main

import (
	"errors"
	"os"
	"path/filepath"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
	unionfs "cooper/stage04-unionfs"
	images "cooper/stage05-images"

	"github.com/urfave/cli/v2"
)

// launch runs a container of the image, which it pulls when it isn't there,
// and removes what the container has written.
func launch(c *cli.Context, s *images.Store, explain namespaces.ExplainFlag) error {
	spec, err := specFor(c, s)
	if errors.Is(err, images.ErrNotFound) {
		if _, err = fetch(c, s); err == nil {
			spec, err = specFor(c, s)
		}
	}
	if err != nil {
		return err
	}
	// Or another process could remove the image meanwhile.
	_, release, err := s.Use(string(spec.ImageID))
	if err != nil {
		return err
	}
	defer release() // and where os.Exit forgets, the kernel doesn't
	own := filepath.Dir(spec.Rootfs)
	if err := os.MkdirAll(spec.Rootfs, 0o700); err != nil {
		return err
	}
	spec.Explain = explain != ""
	p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Watch: explain.Watch(os.Stderr)}
	code, err := namespaces.Foreground(p, images.Outside(spec, p, s))
	if err := errors.Join(err, unionfs.Remove(own)); err != nil {
		return err
	}
	os.Exit(code)
	return nil
}

func plan(c *cli.Context, s *images.Store) error {
	spec, err := specFor(c, s)
	if err == nil {
		namespaces.Plan(os.Stdout, images.Outside(spec, &namespaces.Process{}, s), images.Inside(spec))
	}
	return err
}

// specFor joins the defaults, the image's wishes and the flags.
func specFor(c *cli.Context, s *images.Store) (*images.Spec, error) {
	img, err := s.Find(c.Args().First())
	if err != nil {
		return nil, err
	}
	spec := &images.Spec{Image: c.Args().First()}
	spec.Spec.Spec = rootfs.Defaults()
	spec.ID, spec.Terminal = namespaces.NewID(), c.Bool("tty")
	spec.Hostname = spec.ID[:12]
	over := images.Overrides{Args: c.Args().Tail(), Env: c.StringSlice("env"), User: c.String("user"), Cwd: c.String("workdir")}
	if c.IsSet("entrypoint") {
		over.Entrypoint = []string{c.String("entrypoint")}
	}
	images.Configure(spec, img, over)
	own := filepath.Join(s.Dir(), "containers", spec.ID)
	spec.Lower = s.LayerDirs(img)
	spec.Rootfs, spec.Upper, spec.Work = filepath.Join(own, "rootfs"), filepath.Join(own, "upper"), filepath.Join(own, "work")
	return spec, spec.Validate()
}
