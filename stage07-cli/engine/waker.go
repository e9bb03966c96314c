package engine

import (
	"context"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// waker makes a poll(2) end when a context is done: an eventfd that becomes
// readable then.
type waker struct {
	fd   int32
	file *os.File
	stop func() bool
	lock sync.Mutex
}

func newWaker(ctx context.Context) (*waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("eventfd", err)
	}
	w := &waker{fd: int32(fd), file: os.NewFile(uintptr(fd), "eventfd")}
	w.stop = context.AfterFunc(ctx, func() {
		w.lock.Lock()
		defer w.lock.Unlock()
		if w.file != nil {
			_, _ = w.file.Write([]byte{1, 0, 0, 0, 0, 0, 0, 0})
		}
	})
	return w, nil
}

func (w *waker) Close() {
	w.stop()
	w.lock.Lock()
	defer w.lock.Unlock()
	w.file.Close()
	w.file = nil
}
