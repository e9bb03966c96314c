package rootfs

import (
	"fmt"
	"os"
	"slices"
	"strings"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// capabilityNames are the pieces that root's power is cut into; a name's
// position is its number in the kernel. See capabilities(7).
var capabilityNames = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETGID", "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER",
	"CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_PACCT",
	"CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
	"CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
}

// capabilitySet has the bit 1<<n for capability n.
type capabilitySet uint64

func parseCapabilities(names []string) (capabilitySet, error) {
	var set capabilitySet
	for _, name := range names {
		number := slices.Index(capabilityNames, name)
		if number < 0 {
			return 0, fmt.Errorf("unknown capability %q: see capabilities(7)", name)
		}
		set |= 1 << number
	}
	return set, nil
}

func (set capabilitySet) names() []string {
	var names []string
	for number, name := range capabilityNames {
		if set&(1<<number) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// AdjustCapabilities returns the set that --cap-add and --cap-drop make of the
// default one, as Docker does: the order of the flags doesn't matter, what is
// both dropped and added is added. Names may be in lower case and without
// CAP_; ALL stands for all that the engine itself holds (HeldCapabilities),
// since nobody can give what they don't have.
func AdjustCapabilities(defaults, held, add, drop []string) ([]string, error) {
	added, addAll, err := readCapabilityFlags("--cap-add", add)
	if err != nil {
		return nil, err
	}
	dropped, dropAll, err := readCapabilityFlags("--cap-drop", drop)
	if err != nil {
		return nil, err
	}
	possible, err := parseCapabilities(held)
	if err != nil {
		return nil, err
	}
	if missing := added &^ possible; missing != 0 {
		return nil, fmt.Errorf("--cap-add %s: the engine itself doesn't have it", strings.Join(missing.names(), ","))
	}
	start, err := parseCapabilities(defaults)
	if err != nil {
		return nil, err
	}
	switch {
	case addAll:
		start = possible
	case dropAll:
		start = 0
	}
	// Of the default ones, those that the engine lacks are missed by nobody
	// who didn't ask for them.
	return ((start&^dropped | added) & possible).names(), nil
}

func readCapabilityFlags(flag string, words []string) (set capabilitySet, all bool, err error) {
	for _, word := range words {
		name := strings.TrimPrefix(strings.ToUpper(word), "CAP_")
		if name == "ALL" {
			all = true
			continue
		}
		one, err := parseCapabilities([]string{"CAP_" + name})
		if err != nil {
			return 0, false, fmt.Errorf("%s %s: %w", flag, word, err)
		}
		set |= one
	}
	return set, all, nil
}

// PossibleCapabilities are those that the container can have: what this process
// has itself, and in a user namespace all that there are, since they reach no
// further than that. Who isn't root has no other containers to make or to join.
func (s *Spec) PossibleCapabilities() ([]string, error) {
	if s.IsNew(namespaces.User) || os.Geteuid() != 0 {
		return slices.Clone(capabilityNames), nil
	}
	return HeldCapabilities()
}

// HeldCapabilities are those that this process has itself.
func HeldCapabilities() ([]string, error) {
	held, err := capget()
	return held.names(), err
}

// capget reads the permitted set of this thread; see capget(2).
func capget() (capabilitySet, error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, os.NewSyscallError("capget", err)
	}
	return capabilitySet(data[0].Permitted) | capabilitySet(data[1].Permitted)<<32, nil
}

// capset sets the permitted and the effective set of this thread. The
// inheritable one is emptied but for what is to be ambient: with more in it, a
// file capability that the image marks as inheritable would come to life
// (CVE-2022-24769).
func capset(permitted, effective, inheritable capabilitySet) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{
		{Permitted: uint32(permitted), Effective: uint32(effective), Inheritable: uint32(inheritable)},
		{Permitted: uint32(permitted >> 32), Effective: uint32(effective >> 32), Inheritable: uint32(inheritable >> 32)},
	}
	return os.NewSyscallError("capset", unix.Capset(&header, &data[0]))
}

// raiseAmbient makes capabilities outlive the exec of a user who isn't root.
// Each must be permitted and inheritable. See "Ambient" in capabilities(7).
func raiseAmbient(set capabilitySet) error {
	for number := range uintptr(len(capabilityNames)) {
		if set&(1<<number) == 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, number, 0, 0); err != nil {
			return os.NewSyscallError("prctl PR_CAP_AMBIENT_RAISE", err)
		}
	}
	return nil
}

func (s *Spec) validateCapabilities() error {
	set, err := parseCapabilities(s.Capabilities)
	if err != nil {
		return err
	}
	ambient, err := parseCapabilities(s.AmbientCapabilities)
	if err != nil {
		return err
	}
	if extra := ambient &^ set; extra != 0 && !s.Privileged {
		return fmt.Errorf("ambient capability %s isn't one of the container's", strings.Join(extra.names(), ","))
	}
	return nil
}

// raise makes permitted capabilities of this thread effective as well.
func raise(more capabilitySet) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	data[0].Effective |= uint32(more)
	data[1].Effective |= uint32(more >> 32)
	return os.NewSyscallError("capset", unix.Capset(&header, &data[0]))
}
