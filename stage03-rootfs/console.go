package rootfs

import (
	"os"

	"golang.org/x/sys/unix"
)

// bindConsole puts the terminal at /dev/console, where programs look that
// want to speak to whoever runs the machine.
//
// By now the terminal is our standard input. It is bound from that descriptor:
// its name /dev/pts/0 is never looked up, so nobody can have swapped it for
// something else (CVE-2025-52565). The place is a file made here and now in
// our own /dev.
func bindConsole() error {
	terminal, err := openTree(os.Stdin, 0)
	if err != nil {
		return err
	}
	defer terminal.Close()
	dev, err := openAbsolute("/dev", unix.O_PATH|unix.O_DIRECTORY|unix.O_NOFOLLOW)
	if err != nil {
		return err
	}
	defer dev.Close()
	if err := createat(dev, "console"); err != nil {
		return err
	}
	target, err := openat2(dev, "console", unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH})
	if err != nil {
		return err
	}
	defer target.Close()
	return moveMount(terminal, target)
}
