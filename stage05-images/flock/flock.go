// Package flock keeps processes apart that change the same files. A lock belongs
// to an open file. The kernel gives it back when the file is closed or its holder
// dies, even by kill -9: see flock(2).
package flock

import (
	"context"
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Patience is how long Lock and Share wait without a word.
const Patience = 2 * time.Second

// OnWait is told once of a wait that takes longer: for which file, and for which
// process, or 0 if that can't be seen. It is called beside the wait. A program
// that has somebody to tell sets it before the first lock.
var OnWait = func(path string, holder int) {}

// Lock waits until the file is locked for us alone.
func Lock(file *os.File) error { return wait(file, unix.LOCK_EX) }

// Share waits until the file is locked for us and for others who share it.
func Share(file *os.File) error { return wait(file, unix.LOCK_SH) }

// Try is Lock, but fails with EWOULDBLOCK instead of waiting.
func Try(file *os.File) error { return flock(file, unix.LOCK_EX|unix.LOCK_NB) }

func wait(file *os.File, how int) error {
	if err := flock(file, how|unix.LOCK_NB); !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	impatience := time.AfterFunc(Patience, func() { OnWait(file.Name(), holder(file)) })
	defer impatience.Stop()
	return flock(file, how)
}

// LockContext is Lock for a wait that may be long, that the caller shows in its
// own way, and that ends with the context.
//
// A system call that waits can't be told to stop. So it's made by a goroutine,
// with a descriptor of its own for the same open file: should the lock still come
// when the caller has given up, and closed the file, that descriptor is the last
// one, and the lock goes with it.
func LockContext(ctx context.Context, file *os.File) error {
	if err := Try(file); !errors.Is(err, unix.EWOULDBLOCK) {
		return err
	}
	fd, err := unix.FcntlInt(file.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	done := make(chan error, 1)
	go func() {
		same := os.NewFile(uintptr(fd), file.Name())
		defer same.Close()
		done <- flock(same, unix.LOCK_EX)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func flock(file *os.File, how int) error {
	for {
		err := unix.Flock(int(file.Fd()), how)
		if err != unix.EINTR {
			return os.NewSyscallError("flock", err)
		}
	}
}

// Named reports whether the file still has the name by which it was opened. One
// that had the lock before us may have removed or replaced it.
func Named(file *os.File) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	now, err := os.Lstat(file.Name())
	return err == nil && os.SameFile(opened, now)
}
