package cgroups

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Devices in version 1, described in admin-guide/cgroup-v1/devices.rst. A group
// is in one of two states, and has a set of exceptions from it:
//
//	closed   echo a > devices.deny             nothing is allowed…
//	         echo c 1:3 rwm > devices.allow    …but this
//	open     echo a > devices.allow            everything is allowed…
//	         echo c 10:229 rw > devices.deny   …but this
//
// A new group has what the one above it has; no group gets more than that
// (EPERM). The file takes one line with each write, and devices.list shows the
// exceptions of a closed group; of an open one only "a *:* rwm".
//
// An exception from an exception there is none. The kernel takes "c 10:229" in
// devices.deny of a closed group without a word, and "c *:*" in its set goes on
// to allow it. We say that it can't be done.

// limitDevices1 makes a group's exceptions those of the table.
func limitDevices1(dir string, t deviceTable) error {
	switch {
	case t.isOpen():
		return openDevices1(dir, t)
	case t.isClosed():
		return closeDevices1(dir, t)
	}
	return errors.New("version 1 of cgroups knows no exceptions from exceptions: either deny all and allow some, or allow all and deny some")
}

// isClosed reports that nothing precise has less access than something general
// that covers it: then a set of allowances says the same.
func (t deviceTable) isClosed() bool {
	return t.eachCovered(func(general, precise deviceAccess) bool { return general&^precise == 0 })
}

// isOpen reports that all is allowed but for some precise things.
func (t deviceTable) isOpen() bool {
	for _, entry := range t {
		if entry.wildcards() == 2 && entry.access != accessAll {
			return false
		}
	}
	return t.eachCovered(func(general, precise deviceAccess) bool { return precise&^general == 0 })
}

// hasHoles reports an open table in which something isn't allowed.
func (t deviceTable) hasHoles() bool {
	for _, entry := range t {
		if t.isOpen() && entry.access != accessAll {
			return true
		}
	}
	return false
}

func (t deviceTable) eachCovered(holds func(general, precise deviceAccess) bool) bool {
	for _, general := range t {
		for _, precise := range t {
			if general.covers(precise.devices) && !holds(general.access, precise.access) {
				return false
			}
		}
	}
	return true
}

// openDevices1 opens a group, but for the exceptions. Below a group that isn't
// open itself it becomes what that one is: a privileged container gets what
// there is.
func openDevices1(dir string, t deviceTable) error {
	err := write(dir, "devices.allow", "a")
	if errors.Is(err, unix.EPERM) && !t.hasHoles() {
		return allowAsAbove(dir)
	}
	if err != nil {
		return err
	}
	for _, entry := range t {
		if err := writeDevices1(dir, "devices.deny", entry.devices, accessAll&^entry.access); err != nil {
			return err
		}
	}
	return nil
}

func allowAsAbove(dir string) error {
	above, _, err := readDevices1(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return allowDevices1(dir, above)
}

// closeDevices1 changes a closed group in place: what is new first, then away
// with what is too much. A process in it that goes on using its devices doesn't
// notice; and groups inside it, which forbid to start again with "a" (EINVAL),
// lose what this one loses.
func closeDevices1(dir string, t deviceTable) error {
	have, open, err := readDevices1(dir)
	if err != nil {
		return err
	}
	if open {
		if err := write(dir, "devices.deny", "a"); err != nil {
			return err
		}
	}
	if err := allowDevices1(dir, t); err != nil {
		return err
	}
	for _, entry := range have {
		if err := writeDevices1(dir, "devices.deny", entry.devices, entry.access&^t.exactly(entry.devices)); err != nil {
			return err
		}
	}
	return nil
}

// exactly is the access of the entry for these devices, if there is one.
func (t deviceTable) exactly(set devices) deviceAccess {
	for _, entry := range t {
		if entry.devices == set {
			return entry.access
		}
	}
	return 0
}

func allowDevices1(dir string, t deviceTable) error {
	for _, entry := range t {
		err := writeDevices1(dir, "devices.allow", entry.devices, entry.access)
		if errors.Is(err, unix.EPERM) {
			return fmt.Errorf("%w (the cgroup above, or the engine itself, isn't allowed it either)", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeDevices1(dir, file string, set devices, access deviceAccess) error {
	if access == 0 {
		return nil
	}
	return write(dir, file, fmt.Sprintf("%c %s:%s %s", set.kind, spellNumber(set.major), spellNumber(set.minor), access))
}

// readDevices1 reads devices.list, whose lines are as ParseDeviceRule reads
// them.
func readDevices1(dir string) (have deviceTable, open bool, err error) {
	text, err := read(dir, "devices.list")
	if err != nil {
		return nil, false, err
	}
	for line := range strings.Lines(text) {
		rule, err := ParseDeviceRule(line)
		if err != nil {
			return nil, false, fmt.Errorf("read %s: %w", filepath.Join(dir, "devices.list"), err)
		}
		if rule.Type == "a" {
			return nil, true, nil
		}
		for _, set := range rule.sets() {
			have = append(have, deviceEntry{set, rule.access()})
		}
	}
	return have, false, nil
}
