package namespaces

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// clone makes the child: see birth for how.
func clone(s *Spec, p *Process) error {
	s.HoldExec, p.program = p.HoldExec, s.program()
	var held files
	defer held.close()
	b := &birth{}
	b.arguments()
	if err := held.stdio(b, p); err != nil {
		return err
	}
	if err := held.executable(b); err != nil {
		return err
	}
	if err := held.pipes(b, s, p); err != nil {
		return err
	}
	if err := held.join(b, s); err != nil {
		return err
	}
	b.aim(s, p)

	pid, err := b.start()
	runtime.KeepAlive(p.Cgroup)
	held.close() // the child has its own copies; while we hold its ends there is no end-of-file
	if err == nil && b.joins[0].flags != 0 {
		pid, err = p.awaitDoor(pid)
	}
	if err != nil {
		return explainObstacle(s, err)
	}
	return p.adopt(pid)
}

// aim says what the clone is to make: namespaces, and where the child belongs.
func (b *birth) aim(s *Spec, p *Process) {
	b.clone.flags = uint64(newNamespaces(s))
	b.clone.exitSignal = uint64(unix.SIGCHLD)
	b.asRoot = s.IsNew(User) || b.joinsUser()
	first := &b.clone
	if b.joins[0].flags != 0 {
		b.clone.flags |= unix.CLONE_PARENT
		b.clone.exitSignal = 0
		b.door.exitSignal = uint64(unix.SIGCHLD)
		first = &b.door
	}
	if p.Cgroup != nil {
		// With a door it is the door that enters, while it still has our
		// credentials; the child inherits its cgroup.
		first.flags |= unix.CLONE_INTO_CGROUP
		first.cgroup = uint64(p.Cgroup.Fd())
	}
}

func (b *birth) joinsUser() bool {
	var mask int32
	for _, join := range b.joins {
		mask |= join.flags
	}
	return mask&unix.CLONE_NEWUSER != 0
}

// newNamespaces gathers the clone flags. The cgroup namespace isn't among
// them: its root is the cgroup of whoever makes it, at that moment, so the
// child unshares it by itself, once it stands in its own cgroup.
func newNamespaces(s *Spec) (mask uintptr) {
	for kind, flag := range flags {
		if kind != Cgroup && s.IsNew(kind) {
			mask |= flag.clone
		}
	}
	return mask
}

// adopt takes the child in as ours, once it is sure that it is. The door's
// packet came through a socket that the child has too, in a container that may
// have got hold of it: a number that it made up would have us wait for, and
// kill, any process of the host.
func (p *Process) adopt(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	pidfd := os.NewFile(uintptr(fd), "pidfd")
	if err := unix.Waitid(unix.P_PIDFD, fd, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); err != nil {
		return errors.Join(fmt.Errorf("adopt process %d: %w", pid, os.NewSyscallError("waitid", err)), pidfd.Close())
	}
	p.Pid, p.Pidfd = pid, pidfd
	return nil
}

// awaitDoor collects the door, and returns the pid that it told of.
func (p *Process) awaitDoor(door int) (pid int, err error) {
	defer func() {
		for {
			if _, waitErr := unix.Wait4(door, nil, 0, nil); waitErr != unix.EINTR {
				return
			}
		}
	}()
	for {
		packet, console, err := receive(p.events)
		if err != nil {
			return 0, err
		}
		if console != nil { // no child of ours opens its terminal before it has the Spec
			return 0, errors.Join(errors.New("a terminal came before the child"), console.Close())
		}
		if len(packet) == 0 {
			return 0, errors.Join(p.early, errors.New("the joining process ended before it made the child"))
		}
		r, err := parseRecord(packet)
		if err != nil {
			return 0, err
		}
		switch {
		case r.what == recordPid:
			return int(r.value), nil
		case r.what == recordSetns || r.what == recordClone:
			return 0, r.err() // the door's own failure: there is no child
		default:
			p.early = asStepError(stepClone, r.err()) // the child was faster than the door
		}
	}
}
