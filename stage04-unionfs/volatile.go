package unionfs

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ErrLost is the cause when an upper directory was mounted volatile, and the
// machine has started anew since: some of its files may never have reached the
// disk, and nobody can tell which.
var ErrLost = errors.New("its changes were not to outlive the machine, which has started anew since")

// volatileMark is what overlayfs leaves in the work directory of a volatile
// mount, below incompat. It refuses to mount one in which it finds that, crash
// or no crash.
const (
	incompat     = "work/incompat"
	volatileMark = "volatile"
)

// bootMark is ours: the boot in which the work directory was used last.
const bootMark = "boot_id"

// renew takes the mark of an earlier volatile mount away, if the machine has
// run ever since: the changes are still in its memory, whatever the disk has.
// A container that ended without being removed can thus be started again.
// See "Volatile mount" in overlayfs.rst.
func (st *stack) renew() error {
	if st.work < 0 {
		return nil
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return err
	}
	if err := st.unmark(string(boot)); err != nil {
		return err
	}
	if !st.volatile {
		return nil
	}
	return writeNew(st.work, bootMark, boot)
}

func (st *stack) unmark(boot string) error {
	dir, err := openat2(st.work, incompat, unix.O_RDONLY|unix.O_DIRECTORY, noLinks)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(dir)
	if _, err := fstatat(dir, volatileMark); errors.Is(err, unix.ENOENT) {
		return nil
	}
	if last, err := readAt(st.work, bootMark); err != nil || last != boot {
		return fmt.Errorf("upper directory: %w: remove the container", ErrLost)
	}
	return removeAt(dir, volatileMark)
}

func readAt(dir int, name string) (string, error) {
	fd, err := openat2(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW, noLinks)
	if err != nil {
		return "", err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	text, err := io.ReadAll(file)
	return string(text), err
}

func writeNew(dir int, name string, text []byte) error {
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return failed("openat", name, err)
	}
	defer unix.Close(fd)
	return writeAt(fd, text, 0)
}
