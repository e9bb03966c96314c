package namespaces

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a container's first process as its parent holds it.
//
// The zero value is ready: set what the command is to read and write, pass it
// to the stage's Outside, and Launch.
type Process struct {
	Stdin, Stdout, Stderr *os.File // nil is /dev/null

	// Watch is told of every step, outside and inside; nil for silence.
	Watch func(Event)

	// Cgroup is an open cgroup v2 directory that the child is born into
	// (CLONE_INTO_CGROUP); nil is the parent's own. Set by stage 2.
	Cgroup *os.File

	// HoldExec has the child wait right before its exec, until BeforeExec lets it
	// go on, which clears it. Set by stage 2.
	HoldExec bool

	Pid     int      // in the parent's pid namespace; set by namespaces/clone
	Pidfd   *os.File // refers to the process even after its pid is reused; see pidfd_open(2)
	Console *os.File // with Spec.Terminal: the terminal's master end; set by Launch

	spec    *os.File // our end of descriptor specFD
	mapped  *os.File // a byte written here tells the child that its ids are mapped
	events  *os.File // our end of descriptor eventsFD
	program string   // what the child is to execute
	early   error    // what the child reported before Launch listened
	started bool     // the child said that it is about to exec the command
	reaped  bool
}

// Launch takes the steps outside and waits until the child has become the
// command. When a step fails, outside or inside, everything is undone and the
// error is a *StepError; ExitCode tells what to exit with.
//
// Wait for the process afterwards, then Undo the same list.
func Launch(p *Process, outside []Step) error {
	err := offMainThread(func() error { return Take(outside, p.Watch) })
	if err == nil {
		if err = p.listen(); err == nil {
			return nil
		}
		err = errors.Join(err, Undo(outside))
	}
	return errors.Join(err, p.Close())
}

// offMainThread runs f on a thread other than the process's first. Stage 2 has
// the launching thread visit the container's cgroup, for which the first thread
// is no good: its cgroup is taken for that of the whole process.
//
// Go keeps threads that it once made, so the command's parent, which is the
// thread that cloned, lives as long as the program (see PR_SET_PDEATHSIG).
func offMainThread(f func() error) error {
	if unix.Gettid() != unix.Getpid() {
		return f()
	}
	runtime.LockOSThread() // while this goroutine holds the first thread, f gets another
	defer runtime.UnlockOSThread()
	done := make(chan error)
	go func() { done <- f() }()
	return <-done
}

// BeforeExec waits until the child has nothing left to do but its exec, has do
// done, and lets the child go on: for what must be so when the command begins,
// and that the child, a Go program until then, couldn't live with. HoldExec must
// have been set before the clone.
//
//	child ──{"step":"namespaces/exec"}──▶ parent
//	                                      do
//	child ◀─────────one byte───────────── parent
//	execve
//
// The child waits in a raw system call, and goes on with another. When do fails,
// Launch kills it where it stands; when the parent is killed, it reads
// end-of-file and ends.
func (p *Process) BeforeExec(do func() error) error {
	p.HoldExec = false
	if err := p.listenUntil(func() bool { return p.started }); err != nil || !p.started {
		return err // it ended without a word: Launch says so
	}
	if err := do(); err != nil {
		return err
	}
	if _, err := p.events.Write([]byte{0}); err != nil && !errors.Is(err, unix.EPIPE) {
		return err
	}
	return nil
}

// listen reads the child's events until end-of-file, which means that exec
// closed the descriptor: the child has become the command.
func (p *Process) listen() error {
	if p.HoldExec {
		return errors.New("the child waits before its exec, and no step has called BeforeExec")
	}
	failure := p.listenUntil(func() bool { return false })
	if failure == nil && !p.started {
		status, err := p.Wait()
		failure = errors.Join(fmt.Errorf("the child ended before it became the command (%s)", describe(status)), err)
	}
	return failure
}

// listenUntil reads the child's events until enough of them have come, or
// end-of-file.
func (p *Process) listenUntil(enough func() bool) error {
	failure := p.early
	for !enough() {
		packet, console, err := receive(p.events)
		if err != nil {
			return fmt.Errorf("read the child's events: %w", err)
		}
		if console != nil {
			err := p.connect(console)
			failure = cmp.Or(failure, err)
			continue
		}
		if len(packet) == 0 {
			break
		}
		if err := p.heed(packet); err != nil && failure == nil {
			failure = err
		}
	}
	return failure
}

// connect takes the terminal over, but no second one.
func (p *Process) connect(console *os.File) error {
	if p.Console != nil {
		return errors.Join(errors.New("receive the terminal: there is one already"), console.Close())
	}
	p.Console = console
	return nil
}

// heed acts on one packet of the child's: it returns the failure that the
// packet tells of, if it does.
func (p *Process) heed(packet []byte) error {
	if packet[0] == 0 {
		r, err := parseRecord(packet)
		if err != nil {
			return err
		}
		if r.what == recordCommand {
			return &StepError{stepExec, &os.PathError{Op: "exec", Path: p.program, Err: syscall.Errno(r.value)}}
		}
		if err := r.err(); err != nil {
			return asStepError(stepClone, err)
		}
		return nil // a pid is awaitDoor's matter
	}
	var m message
	if err := json.Unmarshal(packet, &m); err != nil {
		return fmt.Errorf("read the child's events: %w", err)
	}
	if m.Error != "" {
		return m.err()
	}
	p.started = p.started || m.Step == stepExec
	if p.Watch != nil {
		if m.Time.IsZero() { // the last event's, see exec
			m.Time = time.Now()
		}
		p.Watch(m.Event)
	}
	return nil
}

// Wait waits for the process to end and collects it. A second call returns
// ECHILD.
func (p *Process) Wait() (unix.WaitStatus, error) {
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(p.Pid, &status, 0, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, os.NewSyscallError("wait4", err)
		}
		p.reaped = true
		return status, nil
	}
}

// Signal sends a signal to the process, never to another that got its pid.
func (p *Process) Signal(sig unix.Signal) error {
	return os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(int(p.Pidfd.Fd()), sig, nil, 0))
}

// Resize tells the container's terminal its new size; the kernel then sends
// SIGWINCH to the foreground process group.
func (p *Process) Resize(size WindowSize) error {
	return resize(p.Console, size)
}

// Close closes the descriptors that Launch opened. The process lives on.
func (p *Process) Close() error {
	var errs []error
	for _, file := range []**os.File{&p.spec, &p.mapped, &p.events, &p.Pidfd, &p.Console} {
		if *file != nil {
			errs = append(errs, (*file).Close())
			*file = nil
		}
	}
	return errors.Join(errs...)
}

// end kills the process and collects it; for a launch that failed.
func (p *Process) end() error {
	if p.Pid == 0 || p.reaped {
		return nil
	}
	if err := p.Signal(unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	_, err := p.Wait()
	return err
}
