package engine

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/shim/state"
	"github.com/docker/go-units"
)

// Summary is one line of `ps`.
type Summary struct {
	ID       string
	Name     string
	Image    string            // as the user wrote it
	ImageID  string            // "sha256:…"
	Command  string            // the path and its arguments, joined on spaces for reading only
	Created  time.Time         //
	State    string            // "created", "running", "paused", "exited", "corrupt"
	Status   string            // "Up 3 seconds", "Exited (0) 2 minutes ago", "Created"
	Ports    []Port            // published, while it runs
	Exposed  []string          // "80/tcp", published or not, while it runs
	Labels   map[string]string //
	Mounts   []string          // volume names and host paths
	Networks []string          // "bridge", …
	Problem  string            // why State is "corrupt"
}

// List returns the running containers, or all, newest first. A record that
// can't be read becomes a Summary with State "corrupt"; it never fails the list.
func (e *Engine) List(all bool) ([]Summary, error) {
	ids, err := e.ids()
	if err != nil {
		return nil, err
	}
	var list []Summary
	system := sync.OnceValue(mountedCgroups)
	for _, id := range ids {
		c, err := e.load(id)
		if os.IsNotExist(err) {
			continue // removed meanwhile
		}
		if err != nil {
			c = &container{id: id, seen: state.Observation{Phase: state.Corrupt, Err: err}}
		}
		if err := e.tryHeal(c); err != nil {
			continue // --rm: healing was its end
		}
		if all || c.running() || c.seen.Phase == state.Corrupt {
			list = append(list, e.summary(c, c.running() && c.pausedOn(system())))
		}
	}
	slices.SortFunc(list, func(a, b Summary) int {
		if order := b.Created.Compare(a.Created); order != 0 {
			return order
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, nil
}

// mountedCgroups is where cgroups are; where there are none, nothing is paused.
func mountedCgroups() cgroups.System {
	system, _ := cgroups.Detect()
	return system
}

// tryHeal heals what a dead shim left, if nobody else is at it; where it can't,
// on a read-only disk for example, the list shows the truth all the same. The
// error says that the container is gone.
func (e *Engine) tryHeal(c *container) error {
	if c.seen.Phase != state.Died {
		return nil
	}
	lock, err := state.TryLock(c.dir + "/" + state.LockFile)
	if err != nil {
		return nil
	}
	defer lock.Close()
	again, err := e.load(c.id)
	if err != nil {
		return err
	}
	*c = *again
	_ = e.heal(c) // `cleanup` reports what can't be healed
	_, err = os.Lstat(c.dir)
	return err
}

func (e *Engine) summary(c *container, paused bool) Summary {
	o := &c.config.Options
	s := Summary{
		ID: c.id, Name: o.Name, Image: o.Image, ImageID: c.config.ImageID, Created: c.config.Created,
		State: c.shown(), Status: c.statusText(time.Now()), Labels: o.Labels,
	}
	if c.seen.Phase == state.Corrupt {
		s.Problem = c.seen.Err.Error()
	}
	if paused {
		s.State, s.Status = "paused", s.Status+" (Paused)"
	}
	for _, m := range o.Mounts {
		if m.Source != "" {
			s.Mounts = append(s.Mounts, m.Source)
		}
	}
	if spec, err := c.spec(); err == nil {
		s.Command = strings.Join(spec.Args, " ")
		s.Networks = networkNames(spec)
		if c.running() {
			s.Ports, s.Exposed = spec.Network.Ports, o.Expose
		}
	}
	return s
}

// shown is the state in Docker's words.
func (c *container) shown() string {
	switch c.seen.Phase {
	case state.Starting:
		return string(state.Created)
	case state.Died:
		return string(state.Exited)
	}
	return string(c.seen.Phase)
}

// statusText is what `ps` shows under STATUS.
func (c *container) statusText(now time.Time) string {
	switch c.seen.Phase {
	case state.Running:
		return "Up " + units.HumanDuration(since(c.seen.Status.StartedAt, now))
	case state.Exited:
		exit := c.seen.Exit
		return fmt.Sprintf("Exited (%d) %s ago", exit.ExitCode, units.HumanDuration(since(exit.FinishedAt, now)))
	case state.Died:
		return fmt.Sprintf("Exited (%d) %s ago", deathOf(c.seen.Status).ExitCode, units.HumanDuration(since(c.seen.Status.StartedAt, now)))
	case state.Corrupt:
		return "Corrupt"
	}
	return "Created"
}

// since is never negative: the clock may have been set back.
func since(then, now time.Time) time.Duration { return max(0, now.Sub(then)) }

// PublishedPorts returns the ports of one container.
func (e *Engine) PublishedPorts(name string) ([]Port, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := c.usable(); err != nil {
		return nil, err
	}
	if !c.running() {
		return nil, nil
	}
	spec, err := c.spec()
	if err != nil {
		return nil, err
	}
	return spec.Network.Ports, nil
}
