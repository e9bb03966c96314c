package engine

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"cooper/stage06-network"
	"cooper/stage07-cli/shim"
	"cooper/stage07-cli/shim/jsonlog"
	"cooper/stage07-cli/shim/state"
)

// Start starts a created or exited container. It returns when the container
// runs, or with the step that failed; ExitCode of the error is what the
// command line ends with (125, 126, 127). With o.Attach the session must be
// waited for; without, it is nil. A running container is left as it is.
func (e *Engine) Start(ctx context.Context, name string, o StartOptions) (*Session, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	lock, err := e.lockIdle(ctx, c)
	if errors.Is(err, errRunning) {
		if c.paused() {
			return nil, tell(ErrConflict, "cannot start a paused container, try unpause instead")
		}
		if o.Attach == nil {
			return nil, nil
		}
		return e.Attach(ctx, name, *o.Attach)
	}
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	spec, err := c.spec()
	if err != nil {
		return nil, err
	}
	if err := state.SweepTmp(c.dir); err != nil {
		return nil, err
	}
	supervisor, err := shim.Spawn()
	if err != nil {
		return nil, err
	}
	return e.launch(c, spec, lock, supervisor, o)
}

// Run is Create and Start, overlapped: the shim starts up while the container
// is being made. The session is never nil; with o.Attach nil it is only good
// for its ID.
func (e *Engine) Run(ctx context.Context, c CreateOptions, o StartOptions) (*Session, error) {
	supervisor, err := shim.Spawn()
	if err != nil {
		return nil, err
	}
	made, err := e.create(ctx, c)
	if err != nil {
		return nil, errors.Join(err, supervisor.Close())
	}
	defer made.lock.Close()
	if o.Made != nil {
		if err := o.Made(made.id); err != nil {
			return nil, errors.Join(err, supervisor.Close())
		}
	}
	session, err := e.launch(made.container, made.spec, made.lock, supervisor, o)
	if session == nil {
		session = &Session{ID: made.id}
	}
	return session, err
}

// launch gives the shim its job and waits until the container runs.
func (e *Engine) launch(c *container, spec *network.Spec, lock *os.File, supervisor *shim.Client, o StartOptions) (*Session, error) {
	options := &c.config.Options
	spec.Network.Ports = options.published() // a port that was any free one is so again
	for i := range spec.Network.Endpoints {
		spec.Network.Endpoints[i].Link = "" // the first is eth0, whichever have come and gone since the last start
	}
	targets, err := e.joinOthers(spec, options)
	if err == nil {
		err = e.makeRoom(spec)
	}
	if err != nil {
		err = errors.Join(err, supervisor.Close())
		if options.AutoRemove { // else its shim would do it, which doesn't know of it yet
			err = errors.Join(err, e.discard(c, true))
		}
		return nil, err
	}
	spec.Explain = o.Watch != nil
	spec.ConsoleSize = firstSize(o.Attach)
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, errors.Join(err, supervisor.Close())
	}
	job := &shim.Job{
		Layout: e.Layout, ID: c.id, Name: options.Name, Run: c.run() + 1, Spec: text, Socket: e.Volatile(c.id), Targets: targets,
		Attach: attachment(o.Attach, options.Stdin),
		Stdin:  options.Stdin, StdinOnce: options.StdinOnce, Explain: o.Watch != nil,
		Log:        jsonlog.Limits{MaxSize: options.Log.MaxSize, MaxFiles: options.Log.MaxFiles},
		AutoRemove: options.AutoRemove, Volumes: c.config.Anonymous,
	}
	err = supervisor.Give(job, lock)
	if err == nil {
		err = supervisor.Started(o.Watch)
	}
	if err != nil {
		return nil, errors.Join(err, supervisor.Close())
	}
	if o.Attach == nil {
		return nil, supervisor.Close()
	}
	return e.newSession(c.id, job.Socket, supervisor, *o.Attach), nil
}

// run is the number of the container's last run.
func (c *container) run() int {
	if c.seen.Exit == nil {
		return 0
	}
	return c.seen.Exit.Run
}

var errRunning = errors.New("running")

// lockIdle locks a container that doesn't run, healed and tidied up; errRunning
// if it does.
func (e *Engine) lockIdle(ctx context.Context, c *container) (*os.File, error) {
	for {
		lock, err := e.lock(c)
		if err != nil {
			return nil, err
		}
		err = c.usable()
		switch {
		case err != nil:
		case c.seen.Phase == state.Running:
			err = errRunning
		case c.active():
			// Its shim still tidies up. It needs the lock for that, if it removes the container.
			lock.Close()
			if err := e.awaitShim(ctx, c); err != nil {
				return nil, err
			}
			continue
		default:
			err = e.healWhole(c)
		}
		if err != nil {
			lock.Close()
			return nil, err
		}
		return lock, nil
	}
}
