package namespaces

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// makePrivate cuts the propagation of mounts in both directions. A new mount
// namespace is a copy whose mounts are still peers of the originals: what is
// mounted or unmounted in one happens in the other too. See
// mount_namespaces(7).
func makePrivate() error {
	return os.NewSyscallError("mount MS_PRIVATE", unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
}

// unshareCgroup makes the cgroup we stand in the root of our view.
func unshareCgroup() error {
	return os.NewSyscallError("unshare CLONE_NEWCGROUP", unix.Unshare(unix.CLONE_NEWCGROUP))
}

func setNames(s *Spec) error {
	if s.Hostname != "" {
		if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
			return os.NewSyscallError("sethostname", err)
		}
	}
	if s.Domainname != "" {
		return os.NewSyscallError("setdomainname", unix.Setdomainname([]byte(s.Domainname)))
	}
	return nil
}

// raiseLoopback brings up the interface lo, which is down in a new network
// namespace; the kernel gives it 127.0.0.1 and ::1 by itself. One ioctl of
// netdevice(7) spares this stage the netlink protocol, which stage 6 is about.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(socket)
	request := struct { // struct ifreq
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}{flags: unix.IFF_UP | unix.IFF_RUNNING}
	copy(request.name[:], "lo")
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(socket), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return os.NewSyscallError("ioctl SIOCSIFFLAGS", errno)
	}
	return nil
}

// mountProc mounts a proc file system over the old one: /proc shows the pid
// namespace of whoever mounted it, so the old one still shows the host's.
func mountProc() error {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	return os.NewSyscallError("mount proc", unix.Mount("proc", "/proc", "proc", flags, ""))
}
