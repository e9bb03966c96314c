package cgroups

import (
	"errors"
	"fmt"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// The devices controller: which devices a group's processes may make, read and
// write. Version 1 has a file with a list (devices1.go), version 2 asks a
// program (devices2.go).
//
// The kernel asks when a node is made or opened. What is open already stays so,
// and may be handed in: that is how a command without a terminal of its own
// writes to ours.

// devices settles a new container's devices, before anybody is in it.
//
// Where even root isn't the machine's root, in a user namespace, neither
// version lets us (EPERM), and there is nothing to guard: the kernel makes no
// nodes there, and opens none on a filesystem that was mounted there. runc and
// crun leave it out as well.
func (m *making) devices() error {
	g, err := m.group()
	if doesWithout(err) {
		return nil
	}
	if err != nil {
		return err
	}
	err = g.setDevices(newDeviceTable(m.spec.DeviceRules))
	if errors.Is(err, unix.EPERM) && (m.spec.has(namespaces.User) || inUserNamespace()) {
		return nil
	}
	return err
}

// UpdateDevices replaces the rules of a group while its processes run. There is
// no moment in which more is allowed than by the old rules or the new ones.
func (g *Group) UpdateDevices(rules []DeviceRule) error {
	if err := validateDevices(rules); err != nil {
		return err
	}
	table := newDeviceTable(rules)
	if g.version == 2 || !table.hasHoles() {
		return g.setDevices(table)
	}
	// Version 1 opens everything before it takes the exceptions, one by one.
	frozen, err := g.Frozen()
	if err != nil || frozen {
		return errors.Join(err, g.setDevices(table))
	}
	if err := g.Freeze(); err != nil {
		return err
	}
	return errors.Join(g.setDevices(table), g.Thaw())
}

func (g *Group) setDevices(table deviceTable) error {
	dir, present := g.dir("devices")
	if !present {
		return fmt.Errorf("limit devices: this machine has no devices controller mounted (see /proc/cgroups)")
	}
	set := limitDevices1
	if g.version == 2 {
		set = limitDevices2
	}
	if err := set(dir, table); err != nil {
		return fmt.Errorf("limit devices: %w", err)
	}
	return nil
}

func validateDevices(rules []DeviceRule) error {
	for _, rule := range rules {
		if err := rule.validate(); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether the container has a namespace of this kind that isn't
// the parent's, a new one or another's.
func (s *Spec) has(kind namespaces.Kind) bool {
	for _, ns := range s.Namespaces {
		if ns.Kind == kind {
			return true
		}
	}
	return false
}
