package shim

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"cooper/stage07-cli/shim/jsonlog"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// stdio holds our ends of the container's standard streams: pipes, or the
// master end of its terminal.
//
// The container never gets the user's own descriptors: with a terminal's it
// could type into it (TIOCSTI), and the end of the client would be SIGPIPE for
// the container.
type stdio struct {
	input   *os.File // nil: the command reads /dev/null
	once    sync.Once
	outputs []*output
}

// output moves one stream from the container to the log and to whoever is
// attached.
type output struct {
	from  *os.File
	kind  kind
	lines *jsonlog.Lines
	peers *peers
	ended chan struct{}
}

// open makes the pipes, before the process is made that gets their other ends.
func (std *stdio) open(s *supervisor) error {
	if !s.job.Exec {
		s.log = jsonlog.New(filepath.Join(s.dir(), state.LogFile), s.job.Log)
	}
	if s.spec.Terminal {
		return nil
	}
	if s.job.Stdin {
		theirs, ours, err := pipe()
		if err != nil {
			return err
		}
		s.process.Stdin = theirs
		if std.input, err = unblocked(ours); err != nil {
			return err
		}
	}
	for _, stream := range []struct {
		kind kind
		name jsonlog.Stream
		end  **os.File
	}{{stdout, jsonlog.Stdout, &s.process.Stdout}, {stderr, jsonlog.Stderr, &s.process.Stderr}} {
		ours, theirs, err := pipe()
		if err != nil {
			return err
		}
		*stream.end = theirs
		if err := std.add(s, ours, stream.kind, stream.name); err != nil {
			return err
		}
	}
	return nil
}

// connect closes what belongs to the container now, so that end-of-file can
// come, and takes the terminal over.
func (std *stdio) connect(s *supervisor) error {
	for _, end := range []**os.File{&s.process.Stdin, &s.process.Stdout, &s.process.Stderr} {
		if *end != nil {
			(*end).Close()
			*end = nil
		}
	}
	if s.process.Console == nil {
		return nil
	}
	for _, end := range []struct {
		use func(*os.File) error
	}{
		{func(f *os.File) (err error) { std.input, err = unblocked(f); return err }},
		{func(f *os.File) error { return std.add(s, f, stdout, jsonlog.Stdout) }},
	} {
		fd, err := unix.FcntlInt(s.process.Console.Fd(), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		if err := end.use(os.NewFile(uintptr(fd), "terminal")); err != nil {
			return err
		}
	}
	return nil
}

func (std *stdio) add(s *supervisor, from *os.File, k kind, name jsonlog.Stream) error {
	from, err := unblocked(from)
	if err != nil {
		return err
	}
	o := &output{from: from, kind: k, peers: &s.peers, ended: make(chan struct{})}
	if s.log != nil {
		o.lines = s.log.Lines(name)
	}
	std.outputs = append(std.outputs, o)
	return nil
}

// begin lets the output flow. It has waited in the pipe until the first client
// was attached, so that none of it is lost.
func (std *stdio) begin(*supervisor) {
	for _, o := range std.outputs {
		go o.pump()
	}
}

// finish takes what is still in the pipes. Everything that the container wrote
// is there, since its processes have ended; others may hold a pipe open for
// ever, so end-of-file isn't waited for.
func (std *stdio) finish() {
	for _, o := range std.outputs {
		_ = o.from.SetReadDeadline(time.Now())
	}
	for _, o := range std.outputs {
		<-o.ended
	}
	std.close()
}

func (std *stdio) close() {
	std.closeInput()
	for _, o := range std.outputs {
		o.from.Close()
	}
}

// closeInput ends the container's input, once.
func (std *stdio) closeInput() {
	std.once.Do(func() {
		if std.input != nil {
			std.input.Close()
		}
	})
}

// pump copies until the stream ends: EOF of a pipe, EIO of a terminal, or
// finish's deadline.
func (o *output) pump() {
	defer close(o.ended)
	frame := make([]byte, headerSize+ioSize)
	for {
		n, err := o.from.Read(frame[headerSize:])
		o.take(frame, n)
		if err == nil {
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			o.drain(frame)
		}
		break
	}
	if o.lines != nil {
		o.lines.Flush()
	}
}

// drain reads what is there, without waiting for more.
func (o *output) drain(frame []byte) {
	raw, err := o.from.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		for {
			n, err := unix.Read(int(fd), frame[headerSize:])
			if err == unix.EINTR {
				continue
			}
			if err != nil || n <= 0 {
				return
			}
			o.take(frame, n)
		}
	})
}

func (o *output) take(frame []byte, n int) {
	if n <= 0 {
		return
	}
	if o.lines != nil {
		o.lines.Add(frame[headerSize : headerSize+n])
	}
	putHeader(frame[:headerSize+n], o.kind)
	o.peers.spread(o.kind, frame[:headerSize+n])
}

// pipe makes a pipe whose ends block, as a command expects of its own.
func pipe() (read, write *os.File, err error) {
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(ends[0]), "pipe"), os.NewFile(uintptr(ends[1]), "pipe"), nil
}

// unblocked makes our end one that Go's scheduler waits for, instead of a
// thread for each.
func unblocked(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	f.Close()
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	return os.NewFile(uintptr(fd), "stdio"), nil
}
