package cgroups

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// The cpuset controller: on which processors and memory nodes a group may run,
// cpuset.cpus and cpuset.mems in both versions. See cpuset(7) for the list
// format, "0-3,7".

func (l Limits) validateCPUSet() error {
	if err := validateList("cpuset cpus", l.CPUSetCPUs); err != nil {
		return err
	}
	return validateList("cpuset mems", l.CPUSetMems)
}

// validateList checks a list without expanding it: "0-999999999" made a daemon
// allocate until it died (CVE-2018-20699).
func validateList(what, list string) error {
	if list == "" {
		return nil
	}
	for part := range strings.SplitSeq(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.ParseUint(from, 10, 16)
		last, err2 := strconv.ParseUint(to, 10, 16)
		if err1 != nil || err2 != nil || first > last || last >= maxProcessors {
			return fmt.Errorf("%s %q: write numbers and ranges such as 0-3,7", what, list)
		}
	}
	return nil
}

func limitCPUSet(dir string, l Limits) error {
	for _, set := range []struct{ file, list string }{{"cpuset.cpus", l.CPUSetCPUs}, {"cpuset.mems", l.CPUSetMems}} {
		if set.list == "" {
			continue
		}
		if err := write(dir, set.file, set.list); err != nil {
			return fmt.Errorf("%w (see /sys/devices/system/cpu/online and /sys/devices/system/node/online for what this machine has)", err)
		}
	}
	return nil
}

// fillCPUSet gives a new group of version 1 what its parent has: it starts
// with no processor and no memory, and a process can't enter it like that
// (ENOSPC).
func fillCPUSet(dir string) error {
	for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
		have, err := read(dir, file)
		if err != nil {
			return err
		}
		if have != "" {
			continue
		}
		above, err := read(filepath.Dir(dir), file)
		if err != nil {
			return err
		}
		if err := write(dir, file, above); err != nil {
			return err
		}
	}
	return nil
}
