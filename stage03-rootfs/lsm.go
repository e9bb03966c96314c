package rootfs

import (
	"errors"
	"fmt"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// Linux security modules judge a process by a label: AppArmor calls it a
// profile and ties it to programs, SELinux calls it a context and ties it to
// everything. Both take the label that the next exec is to have from a file:
//
//	/proc/thread-self/attr/apparmor/exec   exec PROFILE
//	/proc/thread-self/attr/exec            CONTEXT
//
// It must be the kernel's file. runc wrote to whatever a volume had put there,
// and the container then ran unconfined (CVE-2019-16884), so we write through
// the verified /proc only. We load no profiles; that is the business of
// apparmor_parser(8), at boot.

// labels lists the steps that ask for a label. They come as late as may be,
// since from then on an exec of ours would get it, too.
func labels(s *Spec) []namespaces.Step {
	var steps []namespaces.Step
	if s.ApparmorProfile != "" {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/apparmor",
			Why:  "from its exec on the command is confined by the profile " + s.ApparmorProfile,
			Do:   func() error { return confineByProfile(s.ApparmorProfile) },
		})
	}
	if s.SelinuxLabel != "" {
		steps = append(steps, namespaces.Step{
			Name: "rootfs/selinux",
			Why:  "from its exec on the command has the context " + s.SelinuxLabel,
			Do:   func() error { return labelProcess(s.SelinuxLabel) },
		})
	}
	return steps
}

// confineByProfile asks AppArmor for a profile at the next exec. An unknown
// profile is ENOENT, as is a kernel without AppArmor, which has no such file.
func confineByProfile(profile string) error {
	err := writeAttribute("apparmor/exec", "exec "+profile)
	var open *os.PathError
	switch {
	case errors.As(err, &open) && open.Op == "openat2" && errors.Is(err, unix.ENOENT):
		return fmt.Errorf("apparmor profile %q: this kernel doesn't have AppArmor, or it is off: %w", profile, err)
	case errors.Is(err, unix.ENOENT):
		return fmt.Errorf("apparmor profile %q: it isn't loaded; see apparmor_parser(8): %w", profile, err)
	case err != nil:
		return fmt.Errorf("apparmor profile %q: %w", profile, err)
	}
	return nil
}

// labelProcess asks SELinux for a context at the next exec; EINVAL is its word
// for a context that the policy doesn't know, and for not being there.
func labelProcess(context string) error {
	err := writeAttribute("exec", context)
	if errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("selinux label %q: this kernel doesn't have SELinux, or its policy has no such context: %w", context, err)
	}
	if err != nil {
		return fmt.Errorf("selinux label %q: %w", context, err)
	}
	return nil
}

// writeAttribute writes an attribute of this thread; see proc_pid_attr(5).
func writeAttribute(name, value string) error {
	return writeOwnProc("thread-self/attr/"+name, value)
}

// takesLabel tells the filesystems that can be mounted with a context of their
// own. /proc and /sys have theirs from the policy.
func takesLabel(fstype string) bool {
	return !slices.Contains([]string{"proc", "sysfs", "cgroup", "cgroup2", "mqueue"}, fstype)
}

// mountLabel is the option that gives all files of a new filesystem the same
// context.
func (s *Spec) mountLabel() []string {
	if s.MountLabel == "" {
		return nil
	}
	return []string{"context=" + s.MountLabel}
}
