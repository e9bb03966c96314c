package engine

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sys/unix"
)

// Exit codes of a run that nobody saw the end of.
const (
	exitShimKilled = 137 // the kernel killed the container when its shim died
	exitRebooted   = 255
)

// heal finishes what a dead shim left: the container's processes are ended,
// what the run was made of is undone from the Spec on disk, and its end is
// written down. The caller holds the lock. Killed in the middle it begins
// again, for status.json goes last.
func (e *Engine) heal(c *container) error {
	if c.seen.Phase != state.Died {
		return nil
	}
	status := c.seen.Status
	if status.Init != nil {
		if err := status.Init.Signal(unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	if err := e.undo(c); err != nil {
		return err
	}
	if c.config.Options.AutoRemove {
		return e.discard(c, true)
	}
	if c.seen.Exit == nil || c.seen.Exit.Run != status.Run {
		if err := state.WriteJSON(c.dir, state.ExitFile, deathOf(status), state.Durable); err != nil {
			return err
		}
	}
	if err := errors.Join(state.RemoveTree(e.Volatile(c.id)), state.SweepTmp(c.dir), state.RemoveStatus(c.dir)); err != nil {
		return err
	}
	c.seen = state.Observe(c.dir)
	return nil
}

// healWhole is heal for what needs the container afterwards: of one with --rm
// nothing is left.
func (e *Engine) healWhole(c *container) error {
	if err := e.heal(c); err != nil {
		return err
	}
	if !e.exists(c.id) {
		return noSuchContainer(c.name())
	}
	return nil
}

// endLoose heals containers with the host's pid namespace, or with another
// container's, whose shim was killed. The kernel then kills the first process,
// but of the others it has no reason to: they run on, and nobody watches over
// them. No process is told of a shim's death but its child and its clients, so
// whatever command comes next sees to it, and doesn't wait until somebody asks
// for that container.
//
// It costs one look at the directory of those that run. What can't be healed
// now, `cleanup` reports.
func (e *Engine) endLoose() {
	entries, err := os.ReadDir(e.RunDir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if _, err := os.Lstat(filepath.Join(e.Volatile(entry.Name()), state.LooseFile)); err != nil {
			continue
		}
		if c, err := e.load(entry.Name()); err == nil {
			_ = e.tryHeal(c)
		}
	}
}

// deathOf is the end of a run whose shim is dead.
func deathOf(status *state.Status) *state.Exit {
	exit := &state.Exit{
		Run: status.Run, ExitCode: exitShimKilled, StartedAt: status.StartedAt, FinishedAt: time.Now(),
		Error: "the container's shim died, and the container with it",
	}
	if status.Shim.RebootedSince() {
		exit.ExitCode, exit.Error = exitRebooted, "the host was restarted"
	}
	return exit
}

// undo undoes the steps outside, as a fresh process can: from the Spec, or if
// that is lost from the id alone, which everything made outside carries.
func (e *Engine) undo(c *container) error {
	spec, err := c.spec()
	if errors.Is(err, state.ErrCorrupt) || errors.Is(err, os.ErrNotExist) {
		spec = e.bareSpec(c.id)
		spec.CgroupPath, err = c.config.Options.cgroup(c.id)
	}
	if err != nil {
		return err
	}
	return namespaces.Undo(network.Outside(spec, new(namespaces.Process), e.store))
}

// discard removes all of a container that doesn't run. The caller holds the
// lock.
func (e *Engine) discard(c *container, volumes bool) error {
	names := []string{c.config.Options.Name}
	if c.seen.Phase == state.Corrupt {
		var err error
		if names, err = e.NamesOf(c.id); err != nil {
			return err
		}
	}
	errs := []error{e.Discard(c.id, names...)}
	if volumes {
		for _, volume := range c.config.Anonymous {
			errs = append(errs, e.RemoveVolumeIfUnused(volume))
		}
	}
	if image := c.config.ImageID; image != "" && !e.store.Has(digest.Digest(image)) {
		errs = append(errs, e.store.Collect()) // it may have been the last to stand on a removed image's layers
	}
	return errors.Join(errs...)
}

// layersInUse tells the image store which layers containers stand on. One
// whose configuration can't be read might stand on any, but can't be started
// again either.
func (e *Engine) layersInUse(needed map[digest.Digest]bool) error {
	ids, err := e.ids()
	if err != nil {
		return err
	}
	for _, id := range ids {
		var c config
		if err := state.ReadJSON(e.Container(id), state.ConfigFile, &c); err != nil {
			continue
		}
		for _, layer := range c.Layers {
			needed[digest.Digest(layer)] = true
		}
	}
	return nil
}
