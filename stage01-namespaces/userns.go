package namespaces

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mapIDs writes the user namespace's id mappings, and lets the child go on to
// its exec: without a mapping it would be nobody there, and lose its
// capabilities. See user_namespaces(7).
func mapIDs(s *Spec, p *Process) error {
	if os.Geteuid() != 0 {
		// The price of an unprivileged gid mapping: dropping a group could
		// otherwise open a file that the group was refused.
		if err := writeProc(p.Pid, "setgroups", "deny"); err != nil {
			return err
		}
	}
	if err := writeProc(p.Pid, "gid_map", mapText(s.GIDMappings)); err != nil {
		return err
	}
	if err := writeProc(p.Pid, "uid_map", mapText(s.UIDMappings)); err != nil {
		return err
	}
	if _, err := p.mapped.Write([]byte{0}); err != nil && !errors.Is(err, unix.EPIPE) {
		return err
	}
	return nil
}

// mapText is the format of uid_map: "first-inside first-outside count" a line.
func mapText(mappings []IDMapping) string {
	var text strings.Builder
	for _, m := range mappings {
		fmt.Fprintln(&text, m.ContainerID, m.HostID, m.Size)
	}
	return text.String()
}

// writeProc writes a file of /proc/PID with one write(2), as the kernel wants it.
func writeProc(pid int, name, text string) error {
	file, err := os.OpenFile(fmt.Sprintf("/proc/%d/%s", pid, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	return errors.Join(err, file.Close())
}

// explainObstacle adds what the host has set against user namespaces to an
// error of clone3, which says only EPERM or ENOSPC.
func explainObstacle(s *Spec, err error) error {
	if !s.IsNew(User) && !(os.Geteuid() != 0 && errors.Is(err, unix.EPERM)) {
		return err
	}
	if !s.IsNew(User) {
		return fmt.Errorf("%w (new namespaces need root, or a new user namespace beside them)", err)
	}
	for _, obstacle := range []struct{ path, value string }{
		{"/proc/sys/kernel/unprivileged_userns_clone", "0"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"},
		{"/proc/sys/user/max_user_namespaces", "0"},
	} {
		text, readErr := os.ReadFile(obstacle.path)
		if readErr == nil && strings.TrimSpace(string(text)) == obstacle.value {
			return fmt.Errorf("%w (this host forbids it: %s is %s)", err, obstacle.path, obstacle.value)
		}
	}
	return err
}
