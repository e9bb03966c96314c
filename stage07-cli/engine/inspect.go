package engine

import (
	"path/filepath"
	"slices"
	"strings"
	"time"

	"cooper/stage05-images"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
)

// Inspect tells all about one container, in Docker's shape.
func (e *Engine) Inspect(name string) (*Inspection, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := e.tryHeal(c); err != nil {
		return nil, noSuchContainer(quoted(name))
	}
	in := &Inspection{
		ID: c.id, Created: c.config.Created.Format(time.RFC3339Nano), Image: c.config.ImageID,
		Name: "/" + c.config.Options.Name, Driver: "overlay", Platform: "linux",
		State:   c.inspectState(),
		LogPath: filepath.Join(c.dir, state.LogFile),
	}
	if c.seen.Phase == state.Corrupt {
		return in, nil
	}
	spec, err := c.spec()
	if err != nil {
		return nil, err
	}
	in.Path, in.Args = spec.Args[0], spec.Args[1:]
	in.MountLabel, in.ProcessLabel, in.AppArmorProfile = spec.MountLabel, spec.SelinuxLabel, spec.ApparmorProfile
	files := spec.Network.FilesDir
	if files == "" {
		files = e.Container(spec.Network.Mode.Container())
	}
	in.ResolvConfPath, in.HostnamePath, in.HostsPath = filepath.Join(files, "resolv.conf"), filepath.Join(files, "hostname"), filepath.Join(files, "hosts")
	in.Mounts = e.inspectMounts(c)
	img, err := e.store.Find(c.config.ImageID)
	if err != nil {
		img = new(images.Image) // removed by force: what it said is lost
	}
	in.Config = c.inspectConfig(spec, img)
	in.HostConfig = c.inspectHostConfig(spec)
	in.NetworkSettings = e.inspectNetwork(c, spec)
	in.GraphDriver = InspectGraph{Name: "overlay", Data: map[string]string{
		"LowerDir": strings.Join(spec.Lower, ":"), "UpperDir": spec.Upper, "WorkDir": spec.Work, "MergedDir": spec.Rootfs,
	}}
	return in, nil
}

func (c *container) inspectState() InspectState {
	s := InspectState{Status: c.shown(), StartedAt: moment(time.Time{}), FinishedAt: moment(time.Time{})}
	exit := c.seen.Exit
	if c.seen.Phase == state.Died {
		exit = deathOf(c.seen.Status)
	}
	if exit != nil {
		s.ExitCode, s.OOMKilled, s.Error = exit.ExitCode, exit.OOMKilled, exit.Error
		s.StartedAt, s.FinishedAt = moment(exit.StartedAt), moment(exit.FinishedAt)
		s.LogErrors = exit.LogErrors
	}
	switch c.seen.Phase {
	case state.Running:
		s.Running, s.Pid, s.ShimPid = true, c.seen.Status.Init.Pid, c.seen.Status.Shim.Pid
		s.ExitCode, s.OOMKilled, s.Error = 0, false, ""
		s.StartedAt = moment(c.seen.Status.StartedAt)
		if c.paused() {
			s.Status, s.Paused = "paused", true
		}
	case state.Corrupt:
		s.Dead, s.Error = true, c.seen.Err.Error()
	}
	return s
}

// moment is Docker's way to write a time, also the one that never was.
func moment(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func (e *Engine) inspectMounts(c *container) []InspectMount {
	list := []InspectMount{}
	spec, err := c.spec()
	if err != nil {
		return list
	}
	options := map[string]Mount{}
	for _, m := range c.config.Options.Mounts {
		options[filepath.Clean(m.Destination)] = m
	}
	volumes := filepath.Join(e.Root, "volumes") + "/"
	for _, m := range spec.Mounts {
		asked, isAsked := options[m.Destination]
		isVolume := strings.HasPrefix(m.Source, volumes)
		if !isAsked && !isVolume {
			continue // the file systems that every container has
		}
		shown := InspectMount{Type: m.Type, Source: m.Source, Destination: m.Destination, RW: !asked.ReadOnly, Mode: strings.Join(asked.Options, ",")}
		if isVolume {
			shown.Type, shown.Driver = "volume", "local"
			shown.Name = strings.TrimSuffix(strings.TrimPrefix(m.Source, volumes), "/_data")
		} else if m.Type == "bind" {
			shown.Propagation = propagation(m.Options)
		}
		list = append(list, shown)
	}
	return list
}

// propagation is what a bind has to do with the mount that it copies; see
// mount_namespaces(7).
func propagation(options []string) string {
	for _, option := range slices.Backward(options) {
		switch option {
		case "private", "rprivate", "shared", "rshared", "slave", "rslave", "unbindable", "runbindable":
			return option
		}
	}
	return "rprivate"
}

func (c *container) inspectConfig(s *network.Spec, img *images.Image) InspectConfig {
	o, run := &c.config.Options, img.Config.Config
	config := InspectConfig{
		Hostname: s.Hostname, Domainname: s.Domainname, User: s.User,
		AttachStdin: o.StdinOnce, AttachStdout: true, AttachStderr: true,
		Tty: o.Terminal, OpenStdin: o.Stdin, StdinOnce: o.StdinOnce,
		Env: s.Env, Image: o.Image, Volumes: run.Volumes, WorkingDir: s.Cwd,
		Entrypoint: run.Entrypoint, Cmd: run.Cmd, ExposedPorts: map[string]struct{}{},
		Labels: map[string]string{}, StopSignal: o.StopSignal, StopTimeout: o.StopTimeout,
	}
	if o.Entrypoint != nil {
		config.Entrypoint, config.Cmd = o.Entrypoint, nil
	}
	if len(o.Args) > 0 {
		config.Cmd = o.Args
	}
	for _, port := range o.Expose {
		config.ExposedPorts[port] = struct{}{}
	}
	for _, labels := range []map[string]string{run.Labels, o.Labels} {
		for key, value := range labels {
			config.Labels[key] = value
		}
	}
	if config.StopSignal == "" {
		config.StopSignal = run.StopSignal
	}
	return config
}
