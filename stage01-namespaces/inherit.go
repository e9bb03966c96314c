package namespaces

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// files are held open until the child has its copies.
type files []*os.File

func (held *files) close() {
	for _, file := range *held {
		file.Close()
	}
	*held = nil
}

// high holds a copy of fd that is out of the way of 0 to mappedFD, which the
// child's descriptors become one after the other.
func (held *files) high(fd int, name string) (int32, error) {
	copied, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, mappedFD+1)
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
		if b.inherit[i], err = held.high(int(file.Fd()), file.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (held *files) executable(b *birth) error {
	exe, err := OpenSealed()
	if err != nil {
		return fmt.Errorf("open our own binary: %w", err)
	}
	defer exe.Close()
	b.inherit[exeFD], err = held.high(int(exe.Fd()), exe.Name())
	return err
}

// pipes makes the two descriptors of the protocol, and the pipe for the id
// mapping where a user namespace asks for one.
func (held *files) pipes(b *birth, s *Spec, p *Process) error {
	spec, err := held.pipe(&b.inherit[specFD])
	if err != nil {
		return err
	}
	p.spec = spec
	b.inherit[mappedFD] = -1
	if s.IsNew(User) {
		if p.mapped, err = held.pipe(&b.inherit[mappedFD]); err != nil {
			return err
		}
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	p.events = os.NewFile(uintptr(pair[0]), "events")
	defer unix.Close(pair[1])
	b.inherit[eventsFD], err = held.high(pair[1], "events")
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

// arguments fills in what execveat takes: our own name, by which Init knows
// the child, and two settings that Go's runtime reads before any of our code
// runs. The child lives for some milliseconds: one processor is enough, and
// collecting garbage is not worth it.
func (b *birth) arguments() {
	b.argv = [2]*byte{cstring(initName)}
	b.envv = [3]*byte{cstring("GOMAXPROCS=1"), cstring("GOGC=off")}
	b.empty = cstring("")
}

func cstring(s string) *byte {
	p, err := unix.BytePtrFromString(strings.ReplaceAll(s, "\x00", ""))
	if err != nil {
		panic(err) // can't be: no NUL is left
	}
	return p
}
