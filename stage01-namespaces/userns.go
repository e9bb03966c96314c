package namespaces

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mapIDs writes the user namespace's id mappings, and lets the child go on to
// its exec: without a mapping it would be nobody there, and lose its
// capabilities. See user_namespaces(7).
func mapIDs(s *Spec, p *Process) error {
	if err := writeMappings(s, p.Pid); err != nil {
		return explainObstacle(s, err)
	}
	if _, err := p.mapped.Write([]byte{0}); err != nil && !errors.Is(err, unix.EPIPE) {
		return err
	}
	return nil
}

// writeMappings writes them as far as we may. Root may write any; anybody else
// just his own id, and leaves the rest to two setuid programs.
func writeMappings(s *Spec, pid int) error {
	if os.Geteuid() != 0 {
		if !maps(s.UIDMappings, os.Geteuid()) || !maps(s.GIDMappings, os.Getegid()) {
			return errors.Join(newIDMap("newgidmap", pid, s.GIDMappings), newIDMap("newuidmap", pid, s.UIDMappings))
		}
		// The price of an unprivileged gid mapping: dropping a group could
		// otherwise open a file that the group was refused.
		if err := writeProc(pid, "setgroups", "deny"); err != nil {
			return err
		}
	}
	if err := writeProc(pid, "gid_map", MapText(s.GIDMappings)); err != nil {
		return err
	}
	return writeProc(pid, "uid_map", MapText(s.UIDMappings))
}

// maps reports whether the mappings are of this one id of the host's.
func maps(mappings []IDMapping, id int) bool {
	return len(mappings) == 1 && mappings[0].Size == 1 && mappings[0].HostID == uint32(id)
}

// MapText is the format of uid_map: "first-inside first-outside count" a line.
// See user_namespaces(7).
func MapText(mappings []IDMapping) string {
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

// explainObstacle adds what the host has set against user namespaces to the
// error of clone3, of a mapping, or of the first act inside, which say only
// EPERM, EACCES or ENOSPC.
func explainObstacle(s *Spec, err error) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.ENOSPC) {
		return err
	}
	if s.IsNew(User) {
		return obstacle("/proc/sys", err)
	}
	if os.Geteuid() != 0 && errors.Is(err, unix.EPERM) {
		return fmt.Errorf("%w (new namespaces need root, or a new user namespace beside them)", err)
	}
	return err
}

// obstacle adds the setting below sys, the directory of sysctl(8), that stands
// in the way, if there is one:
//
//	kernel/unprivileged_userns_clone               Debian's: 0 forbids them without root
//	kernel/apparmor_restrict_unprivileged_userns   Ubuntu's: 1 lets them be made, and then root inside may nothing
//	user/max_user_namespaces                       how many there may be, of each user
func obstacle(sys string, err error) error {
	for _, setting := range []struct{ name, forbids string }{
		{"kernel/unprivileged_userns_clone", "0"},
		{"kernel/apparmor_restrict_unprivileged_userns", "1"},
		{"user/max_user_namespaces", "0"},
	} {
		text, readErr := os.ReadFile(filepath.Join(sys, setting.name))
		if value := strings.TrimSpace(string(text)); readErr == nil && value == setting.forbids {
			return fmt.Errorf("%w (this host forbids it: the sysctl %s is %s)", err, strings.ReplaceAll(setting.name, "/", "."), value)
		}
	}
	if errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("%w (as many user namespaces as there may be: see the sysctl user.max_user_namespaces)", err)
	}
	return err
}

// explainStep is explainObstacle for the error of a step inside.
func explainStep(s *Spec, err error) error {
	var step *StepError
	if !s.IsNew(User) || !errors.As(err, &step) {
		return err
	}
	return &StepError{step.Step, explainObstacle(s, step.Err)}
}
