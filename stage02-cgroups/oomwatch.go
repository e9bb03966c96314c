package cgroups

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// OOMWatch is woken by the kernel when a group runs out of memory.
//
// Version 2 wakes who polls memory.events, as with cgroup.events. Version 1
// writes to an eventfd(2), for which one puts its number and that of an open
// memory.oom_control into cgroup.event_control; see section 9 of the kernel's
// admin-guide/cgroup-v1/memory.rst.
//
// Here it's one descriptor for both, an epoll that holds the one or the other.
// An epoll can be waited for in another epoll, and Go's runtime has one, so
// that waiting takes no thread. inotify(7) would work for version 2 as well,
// but a user has just 128 of them, and every container would take one.
type OOMWatch struct {
	path   string   // the group's
	epoll  *os.File // readable when there is news
	news   *os.File // memory.events, or the eventfd
	counts *os.File // memory.events, or memory.oom_control
	kills  uint64   // at the last look
}

// WatchOOM begins to watch. The error is fs.ErrNotExist for a group that has no
// memory controller, or is gone.
func (g *Group) WatchOOM() (*OOMWatch, error) {
	dir, present := g.dir("memory")
	if !present {
		return nil, fmt.Errorf("watch cgroup %s for OOM: no memory controller: %w", g.path, fs.ErrNotExist)
	}
	w := &OOMWatch{path: g.path}
	if err := w.open(dir, g.version); err != nil {
		return nil, errors.Join(fmt.Errorf("watch cgroup %s for OOM: %w", g.path, err), w.Close())
	}
	return w, nil
}

func (w *OOMWatch) open(dir string, version int) error {
	file, wake := "memory.events", uint32(unix.EPOLLPRI)
	if version == 1 {
		file, wake = "memory.oom_control", unix.EPOLLIN
	}
	path := filepath.Join(dir, file)
	counts, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	w.counts = os.NewFile(uintptr(counts), path)
	news := counts
	w.news = w.counts
	if version == 1 {
		if news, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
			return os.NewSyscallError("eventfd", err)
		}
		w.news = os.NewFile(uintptr(news), "eventfd")
		if err := write(dir, "cgroup.event_control", fmt.Sprintf("%d %d", news, counts)); err != nil {
			return err
		}
	} else if _, err := w.look(); err != nil {
		return err // what was before the watch is no news
	}
	return w.add(news, wake)
}

// add makes the epoll that holds one descriptor.
func (w *OOMWatch) add(fd int, wake uint32) error {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	// Go's own epoll takes in what is marked so; to this one it means nothing.
	if err := unix.SetNonblock(epoll, true); err != nil {
		return errors.Join(os.NewSyscallError("fcntl", err), unix.Close(epoll))
	}
	w.epoll = os.NewFile(uintptr(epoll), "epoll")
	event := unix.EpollEvent{Events: wake, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, fd, &event))
}

// Next waits until the group is out of memory once more: in version 1 the OOM
// killer is about to come, or was told not to, and in version 2 it has come.
//
// When the group is gone it is fs.ErrNotExist, but only version 1 tells of
// that; after Close it is os.ErrClosed. One goroutine may call it at a time.
func (w *OOMWatch) Next() error {
	for {
		if err := w.await(); err != nil {
			return err
		}
		if happened, err := w.look(); happened || err != nil {
			return err
		}
	}
}

// await waits for the epoll to become readable.
func (w *OOMWatch) await() error {
	conn, err := w.epoll.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Read(func(epoll uintptr) (done bool) {
		var event [1]unix.EpollEvent
		n, err := unix.EpollWait(int(epoll), event[:], 0)
		if err != nil && err != unix.EINTR {
			failed = os.NewSyscallError("epoll_wait", err)
		}
		return n > 0 || failed != nil
	})
	if err != nil {
		return fmt.Errorf("watch cgroup %s for OOM: %w", w.path, os.ErrClosed) // its own error has no name outside of Go's library
	}
	return failed
}

// look reads the news, and memory.events wakes nobody again before that. It
// tells of much besides, such as the limit that was merely hit.
func (w *OOMWatch) look() (happened bool, err error) {
	if w.news != w.counts {
		if _, err := w.news.Read(make([]byte, 8)); err != nil {
			return false, err
		}
	}
	table, err := parseTable(io.NewSectionReader(w.counts, 0, 1<<12))
	if gone(err) {
		err = fmt.Errorf("watch cgroup %s for OOM: %w", w.path, fs.ErrNotExist)
	}
	happened = w.news != w.counts || table["oom_kill"] > w.kills
	w.kills = table["oom_kill"]
	return happened, err
}

// Close ends the watch, and the waiting in Next.
func (w *OOMWatch) Close() error {
	var errs []error
	for _, file := range []*os.File{w.epoll, w.news, w.counts} {
		if file != nil {
			if err := file.Close(); !errors.Is(err, os.ErrClosed) { // news and counts may be one
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
