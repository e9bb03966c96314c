package main

import (
	"errors"
	"fmt"
	"path/filepath"

	namespaces "cooper/stage01-namespaces"
	rootfs "cooper/stage03-rootfs"
	images "cooper/stage05-images"
	network "cooper/stage06-network"

	"github.com/urfave/cli/v2"
)

// prepare reads the flags into a Spec, and pulls the image if there is one to
// be pulled.
func prepare(c *cli.Context) (*network.Spec, *images.Store, error) {
	root, err := filepath.Abs(c.String("root"))
	if err != nil {
		return nil, nil, err
	}
	s := &network.Spec{}
	s.Spec.Spec.Spec = rootfs.Defaults()
	s.ID, s.Terminal, s.Hostname = namespaces.NewID(), c.Bool("tty"), c.String("hostname")
	own := filepath.Join(root, "containers", s.ID)
	if err := s.RunAsCaller(c.Bool("userns"), c.Bool("subids")); err != nil {
		return nil, nil, err
	}
	var store *images.Store
	if c.IsSet("rootfs") {
		s.Args = c.Args().Slice()
		s.Rootfs, err = filepath.Abs(c.String("rootfs"))
	} else if err = imageTakesRoot(); err == nil {
		store, err = useImage(c, s, filepath.Join(root, "images"), own)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := powers(c, &s.Spec.Spec.Spec); err != nil {
		return nil, nil, err
	}
	s.Network.FilesDir = own
	if s.Network.Networks, err = networks(c); err != nil {
		return nil, nil, err
	}
	if err := readNetwork(c, &s.Network); err != nil {
		return nil, nil, err
	}
	network.Configure(s)
	return s, store, s.Validate()
}

// readNetwork reads the flags of this stage.
func readNetwork(c *cli.Context, n *network.Network) (err error) {
	asked, err := networksOf(c)
	if err != nil {
		return err
	}
	for _, flag := range asked {
		mode, name, err := network.ParseMode(flag)
		if err != nil {
			return err
		}
		if name == "" {
			n.Mode = mode
		} else {
			n.Endpoints = append(n.Endpoints, network.Endpoint{Network: name})
		}
	}
	n.Names = []string{c.String("hostname")}
	for _, flag := range c.StringSlice("publish") {
		ports, err := network.ParsePort(flag)
		if err != nil {
			return err
		}
		n.Ports = append(n.Ports, ports...)
	}
	for _, flag := range c.StringSlice("add-host") {
		host, err := network.ParseHost(flag)
		if err != nil {
			return err
		}
		n.Hosts = append(n.Hosts, host)
	}
	for _, flag := range c.StringSlice("dns") {
		ip, err := network.ParseAddress(flag)
		if err != nil {
			return err
		}
		n.DNS = append(n.DNS, ip)
	}
	return nil
}

// useImage makes the container one of the image that the first argument names.
func useImage(c *cli.Context, s *network.Spec, storeDir, own string) (*images.Store, error) {
	if c.NArg() == 0 {
		return nil, fmt.Errorf("no image given: name one, or a directory with --rootfs")
	}
	store, err := images.OpenStore(storeDir)
	if err != nil {
		return nil, err
	}
	s.Image = c.Args().First()
	img, err := store.Find(s.Image)
	if errors.Is(err, images.ErrNotFound) {
		img, err = images.Pull(c.Context, store, s.Image, images.PullOptions{})
	}
	if err != nil {
		return nil, err
	}
	images.Configure(&s.Spec, img, images.Overrides{Args: c.Args().Tail()})
	s.Lower = store.LayerDirs(img)
	s.Rootfs, s.Upper, s.Work = filepath.Join(own, "rootfs"), filepath.Join(own, "upper"), filepath.Join(own, "work")
	return store, nil
}

// containerDir is what run removes afterwards.
func containerDir(s *network.Spec) string { return s.Network.FilesDir }
