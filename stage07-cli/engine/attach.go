package engine

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/shim"
	"cooper/stage07-cli/shim/state"
)

// Attach joins a client to a running container.
func (e *Engine) Attach(ctx context.Context, name string, s Streams) (*Session, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := c.mustRun(); err != nil {
		if errors.Is(err, ErrNotRunning) {
			return nil, tell(ErrNotRunning, "You cannot attach to a stopped container, start it first")
		}
		return nil, err
	}
	client, err := shim.Connect(e.Volatile(c.id))
	if err != nil {
		return nil, e.afterDeath(c.id, err)
	}
	if err := client.Attach(*attachment(&s, c.config.Options.Stdin)); err != nil {
		return nil, errors.Join(err, client.Close())
	}
	return e.newSession(c.id, e.Volatile(c.id), client, s), nil
}

// Exec runs one more process in a running container, with a shim of its own.
// With o.Detach it returns a nil session once the process runs.
func (e *Engine) Exec(ctx context.Context, name string, o ExecOptions) (*Session, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := c.mustRun(); err != nil {
		return nil, err
	}
	if len(o.Args) == 0 {
		return nil, tell(ErrInvalid, "No exec command specified")
	}
	if c.paused() {
		return nil, tell(ErrConflict, "Container %s is paused, unpause the container before exec", c.id)
	}
	if o.Detach {
		o.Attach = nil
	}
	spec, err := execSpec(c, &o)
	if err != nil {
		return nil, err
	}
	supervisor, err := shim.Spawn()
	if err != nil {
		return nil, err
	}
	text, err := encode(spec)
	if err != nil {
		return nil, errors.Join(err, supervisor.Close())
	}
	socket := filepath.Join(e.Volatile(c.id), "exec-"+namespaces.NewID()[:12])
	job := &shim.Job{
		Layout: e.Layout, ID: c.id, Spec: text, Socket: socket, Exec: true, Targets: []state.Task{*c.seen.Status.Init},
		Attach: attachment(o.Attach, o.Stdin), Stdin: o.Stdin, StdinOnce: true, Explain: o.Watch != nil,
	}
	if err = supervisor.Give(job, nil); err == nil {
		err = supervisor.Started(o.Watch)
	}
	if err != nil {
		return nil, errors.Join(err, supervisor.Close())
	}
	if o.Attach == nil {
		return nil, supervisor.Close()
	}
	return e.newSession(c.id, socket, supervisor, *o.Attach), nil
}

// execSpec is the container's own Spec with another command: the process gets
// the environment, user, capabilities, no_new_privs and cgroup of the container.
func execSpec(c *container, o *ExecOptions) (*spec, error) {
	s, err := c.spec()
	if err != nil {
		return nil, err
	}
	// Checked once more by the shim when the namespaces are joined (see
	// cli/recheck_target): in between the container could end.
	init := c.seen.Status.Init
	if !init.Alive() {
		return nil, tell(ErrNotRunning, "Container %s is not running", c.id)
	}
	s.Target = init.Pid
	s.Args, s.Terminal, s.ConsoleSize, s.Init = o.Args, o.Terminal, firstSize(o.Attach), false
	s.Explain = o.Watch != nil
	for _, pair := range o.Env {
		key, _, ok := strings.Cut(pair, "=")
		if !ok || key == "" || strings.ContainsRune(pair, 0) {
			return nil, tell(ErrInvalid, "invalid environment variable: %q", pair)
		}
		s.Env = setVariable(s.Env, pair)
	}
	if o.Terminal {
		s.Env = setDefault(s.Env, "TERM=xterm")
	}
	if o.User != "" {
		s.User = o.User
	}
	if o.Cwd != "" {
		s.Cwd = o.Cwd
	}
	if o.Privileged {
		if err := allCapabilities(s); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// afterDeath heals a container whose shim has gone without a word, and says
// what is known of its end.
func (e *Engine) afterDeath(id string, cause error) error {
	c, err := e.load(id)
	if err != nil {
		return cause
	}
	// A process that dies closes its sockets before it counts as dead.
	if c.seen.Status != nil && !e.answers(c) {
		if err := e.awaitShim(context.Background(), c); err != nil {
			return errors.Join(cause, err)
		}
		if c, err = e.load(id); err != nil {
			return cause
		}
	}
	if c.seen.Exit != nil && c.seen.Exit.Error != "" {
		return errors.New(c.seen.Exit.Error)
	}
	return cause
}

// answers reports whether the container's shim serves its clients. If so, it was
// only one connection that ended: a client who reads too slowly is cut off.
func (e *Engine) answers(c *container) bool {
	client, err := shim.Connect(e.Volatile(c.id))
	if err == nil {
		defer client.Close()
		err = client.Signal(0)
	}
	return !errors.Is(err, shim.ErrGone)
}
