package shim

import (
	"errors"
	"os"
	"path/filepath"
	"time"
	"unsafe"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/jsonlog"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// supervisor is one run of a container, or one exec in it.
type supervisor struct {
	job    *Job
	spec   network.Spec
	lock   *os.File // the container's, until the start is done
	client *peer    // who gave the job

	process   namespaces.Process
	steps     []namespaces.Step // outside, to be undone at the end
	startedAt time.Time

	proxy *network.Proxy // of the published ports; nil without
	names names
	stdio stdio
	log   *jsonlog.Log // nil for an exec
	peers peers
}

// start brings the container to life. What fails is undone before it returns.
func (s *supervisor) start() error {
	// Before anything is made: from here on a container whose shim is dead is
	// known to have something to clean up.
	if err := s.record(nil); err != nil {
		return err
	}
	if err := s.stdio.open(s); err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return err
	}
	if err := s.publish(); err != nil {
		return err
	}
	if s.job.Explain {
		s.process.Watch = func(e namespaces.Event) { _ = s.client.sendJSON(event, e) }
	}
	steps, err := s.outside()
	if err != nil {
		return err
	}
	release, err := s.holdMounts()
	if err != nil {
		return err
	}
	defer release()
	if err := namespaces.Launch(&s.process, steps); err != nil {
		return err // all is undone again
	}
	s.steps = steps
	s.startedAt = time.Now()
	init, err := state.Identify(s.process.Pid)
	if errors.Is(err, os.ErrNotExist) {
		err = nil // it can't have been reaped: only we do that
	}
	if s.connected() {
		err = errors.Join(err, s.recordSpec())
	}
	if s.proxy != nil {
		s.proxy.Serve(s.spec.Network.Address())
	}
	return errors.Join(err, s.record(&init), s.stdio.connect(s))
}

// record writes status.json. The first one, without the container's process,
// need not survive a power cut: neither does what it warns of.
func (s *supervisor) record(init *state.Task) error {
	if s.job.Exec {
		return nil
	}
	me, err := state.Identify(os.Getpid())
	if err != nil {
		return err
	}
	durability := state.Volatile
	if init != nil {
		durability = s.job.durability()
	}
	status := state.Status{Run: s.job.Run, Shim: me, Init: init, StartedAt: s.startedAt}
	return state.WriteJSON(s.dir(), state.StatusFile, status, durability)
}

func (s *supervisor) dir() string { return s.job.Container(s.job.ID) }

// announce tells the client that the container runs, and lets its output flow.
func (s *supervisor) announce() error {
	_ = s.client.send(started, nil) // a client that has died meanwhile changes nothing
	if s.job.Attach != nil {
		s.client.wants(*s.job.Attach)
		s.peers.add(s.client)
		go s.serveAttached(s.client)
	} else {
		s.client.conn.Close()
	}
	s.stdio.begin(s)
	if s.lock != nil {
		s.lock.Close()
		s.lock = nil
	}
	return nil
}

// waitForInit reaps whatever ends until the container's first process has.
func (s *supervisor) waitForInit() (unix.WaitStatus, error) {
	for {
		pid, err := nextToReap()
		if err != nil {
			return 0, err
		}
		if pid == s.process.Pid {
			return s.process.Wait()
		}
		_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil) // an orphan of the container's
	}
}

// nextToReap waits until some child has ended, and leaves it to be reaped.
func nextToReap() (pid int, err error) {
	var info unix.Siginfo
	for {
		err = unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	// In siginfo_t si_pid follows signo, errno, code and, with 64-bit pointers,
	// four bytes of padding; see sigaction(2).
	offset := 12 + unsafe.Sizeof(uintptr(0)) - 4
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), offset))), os.NewSyscallError("waitid", err)
}

// finish is the end of the run. Each act comes before the one that would make
// it impossible: the status is on disk before the cgroup goes that knows of the
// OOM kill, and it is gone only when there is nothing left to heal.
func (s *supervisor) finish(status unix.WaitStatus, waitErr error) error {
	s.peers.hurry()
	s.stdio.finish()
	exit := &state.Exit{
		Run:        s.job.Run,
		ExitCode:   namespaces.ExitStatus(status),
		OOMKilled:  s.oomKilled(),
		StartedAt:  s.startedAt,
		FinishedAt: time.Now(),
		LogErrors:  s.log.Failed(),
	}
	err := errors.Join(waitErr, s.end(exit))
	s.peers.farewell(exit)
	return err
}

// giveUp is the end of a run that never began.
func (s *supervisor) giveUp(cause error) error {
	if s.steps != nil { // the container ran, only we couldn't go on
		_ = s.process.Signal(unix.SIGKILL)
		_, _ = s.process.Wait()
	}
	s.stdio.close()
	exit := &state.Exit{Run: s.job.Run, ExitCode: namespaces.ExitCode(cause), Error: cause.Error(), FinishedAt: time.Now()}
	err := s.end(exit)
	return errors.Join(err, s.client.answer(errors.Join(cause, err)))
}

// end writes the result down and removes what the run was made of.
func (s *supervisor) end(exit *state.Exit) error {
	var errs []error
	if !s.job.Exec && !s.job.AutoRemove {
		errs = append(errs, state.WriteJSON(s.dir(), state.ExitFile, exit, s.job.durability()))
	}
	if s.proxy != nil {
		errs = append(errs, s.proxy.Close())
	}
	errs = append(errs, s.names.close())
	undone := namespaces.Undo(s.steps)
	errs = append(errs, undone, os.RemoveAll(s.job.Socket))
	switch {
	case s.job.Exec:
	case undone != nil:
		// status.json stays, beside a dead shim: the next command tries again.
	case s.job.AutoRemove:
		errs = append(errs, s.remove())
	default:
		errs = append(errs, state.RemoveStatus(s.dir()))
	}
	return errors.Join(errs...)
}

// remove takes the container away, which --rm asks for. Its lock makes us wait
// for a commit that still reads.
func (s *supervisor) remove() error {
	if s.lock == nil { // else the start has failed, and it is ours still
		lock, err := state.Lock(filepath.Join(s.dir(), state.LockFile))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		defer lock.Close()
	}
	errs := []error{s.job.Discard(s.job.ID, s.job.Name)}
	for _, volume := range s.job.Volumes {
		errs = append(errs, s.job.RemoveVolumeIfUnused(volume))
	}
	return errors.Join(errs...)
}
