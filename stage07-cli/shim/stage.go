package shim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"cooper/stage01-namespaces"
	"cooper/stage02-cgroups"
	"cooper/stage05-images"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// outside lists what the shim does for the container outside: the full engine's
// list, and for an exec one step more.
func (s *supervisor) outside() ([]namespaces.Step, error) {
	store, err := images.OpenStore(filepath.Join(s.job.Root, "images"))
	if err != nil {
		return nil, err
	}
	steps := network.Outside(&s.spec, &s.process, store)
	if len(s.job.Targets) == 0 {
		return steps, nil
	}
	return slices.Insert(steps, len(steps)-1, Recheck(s.job.Targets...)), nil
}

// Recheck comes right before a child is let go that joins others. Its namespaces
// are joined by then, and if the targets still live, they are the targets': a
// pid can't have been another's in between.
func Recheck(targets ...state.Task) namespaces.Step {
	return namespaces.Step{
		Name: "cli/recheck_target",
		Why:  "a pid is used again: the process whose namespaces were joined must be the container's still",
		Do:   func() error { return stillThere(targets) },
	}
}

func stillThere(targets []state.Task) error {
	for _, target := range targets {
		if !target.Alive() {
			return fmt.Errorf("the container of process %d has ended: %w", target.Pid, unix.ESRCH)
		}
	}
	return nil
}

// holdMounts opens the mount namespaces of other containers that the child is
// to copy mounts from. It does so only when it has been let go, and in the
// Spec they are named by pids: so from here on by our descriptors, which stay
// what they are until the returned function closes them.
func (s *supervisor) holdMounts() (release func(), err error) {
	var held []*os.File
	release = func() {
		for _, file := range held {
			file.Close()
		}
	}
	for i := range s.spec.Mounts {
		m := &s.spec.Mounts[i]
		if m.Namespace == "" || s.job.Exec {
			continue
		}
		file, err := os.Open(m.Namespace)
		if err != nil {
			release()
			return nil, fmt.Errorf("mount on %s: %w", m.Destination, err)
		}
		held = append(held, file)
		m.Namespace = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), file.Fd())
	}
	return release, nil
}

// publish binds the ports on the host before anything is made, so that a busy
// one costs nothing, and learns which ones the kernel chose.
func (s *supervisor) publish() (err error) {
	if s.job.Exec || len(s.spec.Network.Ports) == 0 {
		return nil
	}
	if s.proxy, err = network.Bind(&s.spec); err != nil {
		return err
	}
	// Undo must know them, even in another process.
	return s.recordSpec()
}

// recordSpec writes the Spec down with what the start has settled: the address,
// the ports.
func (s *supervisor) recordSpec() error {
	return state.WriteJSON(s.dir(), state.SpecFile, &s.spec, s.job.durability())
}

// connected tells whether the start has settled something of the network: links,
// addresses. On one that is internal, too, to which no port can lead.
func (s *supervisor) connected() bool {
	return !s.job.Exec && len(s.spec.Network.Endpoints) > 0
}

// oomKilled asks the cgroup, which Undo is about to remove.
func (s *supervisor) oomKilled() bool {
	if s.job.Exec {
		return false
	}
	group, err := cgroups.Open(s.spec.CgroupPath)
	if err != nil {
		return false // no group, no memory controller
	}
	kills, err := group.OOMKills()
	return err == nil && kills > 0
}
