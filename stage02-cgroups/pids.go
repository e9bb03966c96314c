package cgroups

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// The pids controller: pids.max, the same in both versions. It counts threads
// as well as processes. A fork beyond it fails with EAGAIN, so a fork bomb
// fills its own group and not the machine's table of processes.

// minPids is what our own code needs in a container: a Go program has up to five
// threads, and doesn't survive the refusal of one. The child is one until it
// becomes the command, and an init is one for good.
const minPids = 8

func (l Limits) validatePids() error {
	if l.Pids < Unlimited {
		return fmt.Errorf("pids limit: must not be negative (-1 lifts it)")
	}
	return nil
}

// validateInit refuses a limit that an init couldn't live with.
func (s *Spec) validateInit() error {
	if s.Init && s.Limits.fewPids() {
		return fmt.Errorf("pids limit of %d: use at least %d with an init, which takes that many itself, or do without the init", s.Limits.Pids, minPids)
	}
	return nil
}

// fewPids reports a limit that can't be set before the child is about to become
// the command.
func (l Limits) fewPids() bool {
	return l.Pids > 0 && l.Pids < minPids && l.Unified["pids.max"] == ""
}

// forBirth is what holds until then.
func (l Limits) forBirth() Limits {
	if l.fewPids() {
		l.Pids = minPids
	}
	return l
}

// lowerPids sets the limit that was asked for, while the child waits for its
// exec. It may have more threads than that: whoever is there stays, until the
// exec ends them.
func (at *site) lowerPids() error {
	g, err := at.group()
	if err != nil {
		return err
	}
	return g.set(Limits{Pids: at.spec.Limits.Pids})
}

// roomToJoin refuses a process that joins a container which is as good as full:
// it is a Go program too until it becomes its command.
func (g *Group) roomToJoin() error {
	dir, present := g.dir("pids")
	if !present {
		return nil
	}
	stats, err := pidsStats(dir)
	if err != nil || stats.Limit == 0 || stats.Current+minPids <= stats.Limit {
		return ifPresent(err)
	}
	return fmt.Errorf("the container has %d of at most %d processes and threads, and one that joins needs %d more for a moment: raise its pids limit first: %w",
		stats.Current, stats.Limit, minPids, unix.EAGAIN)
}

func limitPids(dir string, l Limits) error {
	return writeNumber(dir, "pids.max", l.Pids, "max")
}

// PidsStats counts a group's processes and threads.
type PidsStats struct {
	Current uint64 `json:"current"`
	Limit   uint64 `json:"limit"` // 0 is none
}

func pidsStats(dir string) (s PidsStats, err error) {
	err = errors.Join(
		readInto(&s.Current, dir, "pids.current"),
		readInto(&s.Limit, dir, "pids.max"))
	return s, err
}
