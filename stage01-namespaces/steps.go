package namespaces

import (
	"encoding/json"
	"errors"
	"slices"

	"golang.org/x/sys/unix"
)

// The steps that the spine itself speaks of.
const (
	stepClone    = "namespaces/clone"
	stepSendSpec = "namespaces/send_spec"
	stepFind     = "namespaces/find_command"
	stepExec     = "namespaces/exec"

	whyExec = "the command takes this process over; whatever is left of us ends here"
)

// Outside lists what the parent does.
func Outside(s *Spec, p *Process) []Step {
	return slices.Concat(
		Clone(s, p),
		Release(s, p),
	)
}

// Inside lists what the child does before it becomes the command.
func Inside(s *Spec) []Step {
	if s.Target != 0 {
		return slices.Concat(
			Keyring(s),
			Terminal(s),
			Exec(s),
		)
	}
	return slices.Concat(
		Isolate(s),
		MountProc(s),
		Terminal(s),
		Exec(s),
	)
}

// Clone makes the child, in its new namespaces. It then waits for the Spec.
func Clone(s *Spec, p *Process) []Step {
	steps := []Step{{
		Name: stepClone,
		Why:  "one system call makes the child and its namespaces; it runs our own binary again, which waits for the Spec",
		Do:   func() error { return clone(s, p) },
		Undo: p.end,
	}}
	if s.IsNew(User) {
		steps = append(steps, Step{
			Name: "namespaces/map_ids",
			Why:  "in a new user namespace the child is nobody until its ids are mapped to the host's",
			Do:   func() error { return mapIDs(s, p) },
		})
	}
	return steps
}

// Release sends the outermost stage's Spec, whose arrival is the child's
// permission to go on: it comes when all else outside is ready.
func Release(spec any, p *Process) []Step {
	return []Step{{
		Name: stepSendSpec,
		Why:  "all is ready outside: the Spec through the pipe tells the child what to do, and that it may",
		Do:   func() error { return sendSpec(spec, p) },
	}}
}

func sendSpec(spec any, p *Process) error {
	text, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	_, err = p.spec.Write(text)
	if errors.Is(err, unix.EPIPE) {
		err = nil // the child has ended; why, Launch hears from the events
	}
	err = errors.Join(err, p.spec.Close())
	p.spec = nil
	return err
}

// Isolate makes the new namespaces differ from those they were copied from, and
// holds apart what no namespace does.
func Isolate(s *Spec) []Step {
	var steps []Step
	if s.IsNew(Mount) {
		steps = append(steps, Step{
			Name: "namespaces/private_mounts",
			Why:  "the copied mounts are still tied to the host's: what we mount would appear there, what we unmount would vanish there",
			Do:   makePrivate,
		})
	}
	if s.IsNew(Cgroup) {
		steps = append(steps, Step{
			Name: "namespaces/unshare_cgroup",
			Why:  "the child stands in its own cgroup by now, and from here on takes it for the root",
			Do:   unshareCgroup,
		})
	}
	if s.Hostname != "" || s.Domainname != "" {
		steps = append(steps, Step{
			Name: "namespaces/set_hostname",
			Why:  "a name of its own, which other namespaces don't see",
			Do:   func() error { return setNames(s) },
		})
	}
	if s.IsNew(Network) {
		steps = append(steps, Step{
			Name: "namespaces/loopback",
			Why:  "a new network namespace holds one interface, lo, and it is down",
			Do:   raiseLoopback,
		})
	}
	return append(steps, Keyring(s)...)
}

// Keyring keeps the caller's keys from the command. It is also for a command
// that joins a container.
func Keyring(s *Spec) []Step {
	if s.NoNewKeyring {
		return nil
	}
	return []Step{{
		Name: "namespaces/session_keyring",
		Why:  "keys that the kernel holds for whoever started us would be the container's too: it gets a session keyring of its own",
		Do:   func() error { return joinKeyring(s.ID) },
	}}
}

// MountProc mounts a /proc that shows the new pid namespace. A stage with a
// root file system of its own mounts it there instead.
func MountProc(s *Spec) []Step {
	if !s.IsNew(PID) || !s.IsNew(Mount) {
		return nil
	}
	return []Step{{
		Name: "namespaces/mount_proc",
		Why:  "the old /proc shows the host's processes; ps and top read /proc",
		Do:   mountProc,
	}}
}

// Terminal gives the child its terminal, once /dev is final.
func Terminal(s *Spec) []Step {
	if !s.Terminal {
		return nil
	}
	return []Step{{
		Name: "namespaces/open_terminal",
		Why:  "an interactive command wants a terminal: ^C, job control, a width",
		Do:   func() error { return openTerminal(s) },
	}}
}

// Exec lists how the child becomes the command. A later stage's seal comes in
// between: what takes from the child the means for anything but an exec.
func Exec(s *Spec, seal ...Step) []Step {
	c := &command{spec: s}
	steps := []Step{{
		Name: stepFind,
		Why:  "a name without a slash is looked for in the container's own PATH, by the user who is to run it",
		Do:   c.prepare,
	}}
	if !s.OutliveParent {
		steps = append(steps, Step{
			Name: "namespaces/pdeathsig",
			Why:  "if the parent ends, however it ends, the kernel kills the command",
			Do:   dieWithParent,
		})
	}
	steps = append(steps, Step{
		Name: "namespaces/close_range",
		Why:  "the command inherits three descriptors, and whatever else is open here closes",
		Do:   c.keepStdio,
	}, Step{
		Name: "namespaces/sigaction",
		Why:  "every signal gets its default action: what is ignored here would be ignored there, too",
		Do:   defaultSignals,
	})
	return append(append(steps, seal...), Step{Name: stepExec, Why: whyExec, Do: c.exec})
}
