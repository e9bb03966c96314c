package rootfs

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// mapOwners has a mount show its files with other owners: what belongs to
// ContainerID on the disk is seen as HostID's, and what HostID writes is
// ContainerID's on the disk. Nothing that is there already is changed. See
// "ID-mapped mounts" in mount_setattr(2).
//
// The kernel takes the mapping from a user namespace other than the one that
// the filesystem belongs to, so one is made for it.
func (t *tree) mapOwners(mount *os.File, m Mount, options mountOptions) error {
	userns, err := t.userNamespace(m.UIDMappings, m.GIDMappings)
	if err != nil {
		return fmt.Errorf("make a user namespace for idmap: %w", err)
	}
	defer userns.Close()
	recursive := options.recursion()
	if options.idmapTop {
		recursive = 0
	}
	return mountSetattr(mount, recursive, unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(userns.Fd())})
}

// userNamespace returns a descriptor of a new user namespace with these
// mappings. There is no call that makes one alone: somebody has to be in it.
// A child is, our own binary once more, which is traced and so stops before
// its first instruction; it never runs.
//
// The child's pid is one of our pid namespace, so it is found in the
// container's new /proc: in the host's it would be somebody else.
func (t *tree) userNamespace(uids, gids []namespaces.IDMapping) (*os.File, error) {
	proc, err := openProcfs(t.root)
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"userns"}, &syscall.ProcAttr{Sys: &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, Ptrace: true, Pdeathsig: syscall.SIGKILL,
	}})
	if err != nil {
		return nil, os.NewSyscallError("clone CLONE_NEWUSER", err)
	}
	userns, err := mapIDs(proc, pid, uids, gids)
	return userns, errors.Join(err, end(pid))
}

func mapIDs(proc *os.File, pid int, uids, gids []namespaces.IDMapping) (*os.File, error) {
	if err := writeProc(proc, fmt.Sprintf("%d/uid_map", pid), namespaces.MapText(uids)); err != nil {
		return nil, err
	}
	if err := writeProc(proc, fmt.Sprintf("%d/gid_map", pid), namespaces.MapText(gids)); err != nil {
		return nil, err
	}
	return openat2(proc, fmt.Sprintf("%d/ns/user", pid), unix.OpenHow{Flags: unix.O_RDONLY})
}

// end kills a child and waits until it is gone.
func end(pid int) error {
	err := unix.Kill(pid, unix.SIGKILL)
	for err == nil {
		var status unix.WaitStatus
		_, err = unix.Wait4(pid, &status, unix.WALL, nil)
		if errors.Is(err, unix.EINTR) {
			err = nil
		}
		if err == nil && (status.Exited() || status.Signaled()) {
			return nil
		}
	}
	return os.NewSyscallError("wait4", err)
}

// parseIDMappings reads Podman's words for them,
// idmap=uids=CONTAINER-HOST-SIZE[#…];gids=…
func parseIDMappings(text string) (uids, gids []namespaces.IDMapping, err error) {
	for part := range strings.SplitSeq(text, ";") {
		key, list, _ := strings.Cut(part, "=")
		var mappings []namespaces.IDMapping
		for triple := range strings.SplitSeq(list, "#") {
			var m namespaces.IDMapping
			if n, err := fmt.Sscanf(triple, "%d-%d-%d", &m.ContainerID, &m.HostID, &m.Size); n != 3 || err != nil ||
				triple != fmt.Sprintf("%d-%d-%d", m.ContainerID, m.HostID, m.Size) {
				return nil, nil, fmt.Errorf("mapping %q: write CONTAINER-HOST-SIZE", triple)
			}
			mappings = append(mappings, m)
		}
		switch key {
		case "uids":
			uids = mappings
		case "gids":
			gids = mappings
		default:
			return nil, nil, fmt.Errorf("mapping %q: write uids=… and gids=…", part)
		}
	}
	return uids, gids, nil
}
