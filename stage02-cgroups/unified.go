package cgroups

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Raw settings: whatever a controller of version 2 has that has no field in
// Limits, such as memory.high, cpu.idle or io.latency. The runtime
// specification calls them linux.resources.unified.

// validateUnified keeps a setting to one file of the group, and to those that
// limit. The others would move processes of anybody's into the group, which
// end with it, or hand its own out.
func (l Limits) validateUnified() error {
	for _, file := range slices.Sorted(maps.Keys(l.Unified)) {
		controller, rest, found := strings.Cut(file, ".")
		switch {
		case !found || controller == "" || rest == "" || strings.ContainsAny(file, "/\n\x00"):
			return fmt.Errorf("unified setting %q: write the name of one file, CONTROLLER.PARAMETER", file)
		case controller == "cgroup" && !strings.HasPrefix(rest, "max."):
			return fmt.Errorf("unified setting %s: it isn't a limit", file)
		case strings.TrimSpace(l.Unified[file]) == "":
			return fmt.Errorf("unified setting %s: has no value", file)
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(l.Unified[file]), 10, 64); file == "pids.max" && err == nil && n < minPids {
			return fmt.Errorf("unified setting pids.max of %d: use the pids limit, which waits until the container is born", n)
		}
	}
	return nil
}

// limitUnified writes each line by itself: a file such as io.max takes one
// device at a time.
func (g *Group) limitUnified(settings map[string]string) func(dir string) error {
	return func(string) error {
		if g.version != 2 {
			return errors.New("raw settings are for version 2 of cgroups, this machine has version 1")
		}
		for _, file := range slices.Sorted(maps.Keys(settings)) {
			for line := range strings.SplitSeq(strings.TrimSpace(settings[file]), "\n") {
				if err := write(g.home(), file, line); err != nil {
					return err
				}
			}
		}
		return nil
	}
}
