package namespaces

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// clone makes the child: see birth for how.
func clone(s *Spec, p *Process) error {
	var held files
	defer held.close()
	b := &birth{wait: -1}
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

// adopt takes the child in as ours.
func (p *Process) adopt(pid int) error {
	p.Pid = pid
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return os.NewSyscallError("pidfd_open", err)
	}
	p.Pidfd = os.NewFile(uintptr(pidfd), "pidfd")
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
		packet, _, err := receive(p.events)
		if err != nil {
			return 0, err
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

// files are held open until the child has its copies.
type files []*os.File

func (held *files) close() {
	for _, file := range *held {
		file.Close()
	}
	*held = nil
}

// high holds a copy of fd that is out of the way of 0 to 4, which the child's
// descriptors become one after the other.
func (held *files) high(fd int, name string) (int32, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, firstFree)
	if err != nil {
		return -1, &os.PathError{Op: "fcntl", Path: name, Err: err}
	}
	*held = append(*held, os.NewFile(uintptr(copied), name))
	return int32(copied), nil
}

func (held *files) stdio(b *birth, p *Process) error {
	for i, file := range []*os.File{p.Stdin, p.Stdout, p.Stderr} {
		if file == nil {
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			*held = append(*held, null)
			file = null
		}
		var err error
		if b.stdio[i], err = held.high(int(file.Fd()), file.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (held *files) executable(b *birth) error {
	exe, err := openSealed()
	if err != nil {
		return fmt.Errorf("open our own binary: %w", err)
	}
	defer exe.Close()
	b.exe, err = held.high(int(exe.Fd()), exe.Name())
	return err
}

// pipes makes the two descriptors of the protocol, and the pipe for the id
// mapping where a user namespace asks for one.
func (held *files) pipes(b *birth, s *Spec, p *Process) error {
	spec, err := held.pipe(&b.stdio[specFD])
	if err != nil {
		return err
	}
	p.spec = spec
	if s.IsNew(User) {
		if p.mapped, err = held.pipe(&b.wait); err != nil {
			return err
		}
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	p.events = os.NewFile(uintptr(pair[0]), "events")
	defer unix.Close(pair[1])
	b.stdio[eventsFD], err = held.high(pair[1], "events")
	return err
}

// pipe makes a pipe, puts the child's reading end into place and returns ours.
func (held *files) pipe(place *int32) (*os.File, error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, os.NewSyscallError("pipe2", err)
	}
	defer unix.Close(ends[0])
	fd, err := held.high(ends[0], "pipe")
	if err != nil {
		unix.Close(ends[1])
		return nil, err
	}
	*place = fd
	return os.NewFile(uintptr(ends[1]), "pipe"), nil
}

// join lists what the door has to join.
func (held *files) join(b *birth, s *Spec) error {
	joins, err := joinsOf(s)
	if err != nil {
		return err
	}
	for i, ns := range joins {
		*held = append(*held, ns.file)
		fd, err := held.high(int(ns.file.Fd()), ns.file.Name())
		if err != nil {
			return err
		}
		b.joins[i] = join{fd: fd, flags: int32(ns.flags)}
	}
	return nil
}

// The kernel takes clone_args as it was in 5.7 by its size.
var _ [88]byte = [unsafe.Sizeof(cloneArgs{})]byte{}
