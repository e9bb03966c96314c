package namespaces

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal, takes it as the child's controlling
// terminal and as its stdin, stdout and stderr, and hands the master end to
// the parent. See pty(7).
//
// The child does it, not the parent, so that the terminal belongs to the
// container's own /dev/pts and `tty` finds its name there.
func openTerminal(s *Spec) error {
	master, err := openMultiplexer()
	if err != nil {
		return err
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSPTLCK", err)
	}
	// By descriptor and not by the name /dev/pts/N, which the container's
	// image could have replaced with a link.
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, master.Fd(), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return os.NewSyscallError("ioctl TIOCGPTPEER", errno)
	}
	slave := int(peer)
	defer unix.Close(slave)
	if s.ConsoleSize != nil {
		if err := setWindowSize(slave, *s.ConsoleSize); err != nil {
			return err
		}
	}
	if err := unix.IoctlSetInt(slave, unix.TIOCSCTTY, 0); err != nil {
		return os.NewSyscallError("ioctl TIOCSCTTY", err)
	}
	for fd := range 3 {
		if err := unix.Dup3(slave, fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	return sendConsole(master)
}

// openMultiplexer opens /dev/ptmx, and makes sure that it is one. In a running
// container the name may have been given to something else by now: a FIFO,
// say, whose open would never return.
func openMultiplexer() (*os.File, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: "/dev/ptmx", Err: err}
	}
	if err = checkMultiplexer(fd); err == nil {
		err = unix.SetNonblock(fd, false)
	}
	if err != nil {
		unix.Close(fd)
		return nil, &os.PathError{Op: "check", Path: "/dev/ptmx", Err: err}
	}
	return os.NewFile(uintptr(fd), "/dev/ptmx"), nil
}

// checkMultiplexer fails for anything but a terminal's master end.
func checkMultiplexer(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFCHR || stat.Rdev != unix.Mkdev(5, 2) {
		return unix.ENOTTY
	}
	return nil
}

func resize(console *os.File, size WindowSize) error {
	if console == nil {
		return errors.New("resize: the container has no terminal")
	}
	raw, err := console.SyscallConn()
	if err != nil {
		return err
	}
	return errors.Join(err, raw.Control(func(fd uintptr) { err = setWindowSize(int(fd), size) }), err)
}

func setWindowSize(fd int, size WindowSize) error {
	return os.NewSyscallError("ioctl TIOCSWINSZ",
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: size.Height, Col: size.Width}))
}
