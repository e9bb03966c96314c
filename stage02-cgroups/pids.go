package cgroups

import (
	"errors"
	"fmt"
)

// The pids controller: pids.max, the same in both versions. It counts threads
// as well as processes. A fork beyond it fails with EAGAIN, so a fork bomb
// fills its own group and not the machine's table of processes.

// minPids is what a container needs until it becomes its command: the child is
// a Go program first, which has up to five threads, and doesn't survive the
// refusal of one.
const minPids = 8

func (l Limits) validatePids() error {
	switch {
	case l.Pids < Unlimited:
		return fmt.Errorf("pids limit: must not be negative (-1 lifts it)")
	case l.Pids > 0 && l.Pids < minPids:
		return fmt.Errorf("pids limit of %d: use at least %d, which the container's birth takes", l.Pids, minPids)
	}
	return nil
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
