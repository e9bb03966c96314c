package main

import (
	"os"

	namespaces "cooper/stage01-namespaces"
	unionfs "cooper/stage04-unionfs"

	"github.com/urfave/cli/v2"
)

var usernsFlags = []cli.Flag{
	&cli.BoolFlag{Name: "userns", Usage: "in a user namespace, in which the caller is root; without root always"},
	&cli.BoolFlag{Name: "subids", Usage: "and with it the ids that /etc/subuid and /etc/subgid lend the caller"},
}

// asRoot has root do something: the caller, or else this same program in a user
// namespace in which the caller is root. The files of a layer have owners, and
// only root may give files away and read what others own.
func asRoot(act cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		var s namespaces.Spec
		if err := s.RunAsCaller(c.Bool("userns"), c.Bool("subids")); err != nil {
			return err
		}
		if !s.IsNew(namespaces.User) {
			return act(c)
		}
		return elsewhere(&s, append([]string{c.Command.Name}, c.Args().Slice()...)...)
	}
}

// elsewhere runs this program in a user namespace like that of the Spec, and in
// no other new one: it works on the caller's own files.
func elsewhere(like *namespaces.Spec, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	s := &unionfs.Spec{}
	base := s.Base()
	base.ID, base.Args, base.Env = namespaces.NewID(), append([]string{self}, args...), os.Environ()
	base.Namespaces = namespaces.New(namespaces.User)
	base.UIDMappings, base.GIDMappings = like.UIDMappings, like.GIDMappings
	p := &namespaces.Process{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	code, err := namespaces.Foreground(p, namespaces.Outside(base, p))
	if err == nil && code != 0 {
		os.Exit(code)
	}
	return err
}

// inside is this stage's list, or stage 1's for who has no root of its own.
func inside(s *unionfs.Spec) []namespaces.Step {
	if s.Rootfs == "" {
		return namespaces.Inside(s.Base())
	}
	return unionfs.Inside(s)
}
