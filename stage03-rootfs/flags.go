package rootfs

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// ParseVolume reads the value of -v:
//
//	/host/dir:/in/container[:ro,…]     a bind
//	name:/in/container[:ro,…]          a volume by name
//	/in/container                      a volume without a name
//
// With Podman's option idmap=uids=0-1000-1;gids=0-1000-1 its files are seen with
// other owners, here root's as those of user 1000.
//
// A relative source with a slash is refused, as it is by Docker: was a volume
// or a directory meant?
func ParseVolume(value string) (Mount, error) {
	fields := strings.Split(value, ":")
	m := Mount{Type: "volume"}
	switch len(fields) {
	case 1:
		m.Destination = fields[0]
	case 2:
		m.Source, m.Destination = fields[0], fields[1]
	case 3:
		m.Source, m.Destination, m.Options = fields[0], fields[1], strings.Split(fields[2], ",")
	default:
		return m, fmt.Errorf("volume %q: too many colons; write SOURCE:DESTINATION:OPTIONS", value)
	}
	if len(fields) > 1 && m.Source == "" {
		return m, fmt.Errorf("volume %q: no source before the colon", value)
	}
	if filepath.IsAbs(m.Source) {
		m.Type = "bind"
	}
	// The wishes of Docker Desktop for its shared directories mean nothing here.
	m.Options = slices.DeleteFunc(m.Options, func(option string) bool {
		return slices.Contains([]string{"consistent", "cached", "delegated"}, option)
	})
	options := m.Options
	m.Options = nil
	for _, option := range options {
		mappings, isMap := strings.CutPrefix(option, "idmap=")
		if !isMap {
			m.Options = append(m.Options, option)
		} else if err := m.setIDMap(mappings); err != nil {
			return Mount{}, fmt.Errorf("volume %q: %w", value, err)
		}
	}
	return m.finish(fmt.Sprintf("volume %q", value))
}

// ParseTmpfs reads the value of --tmpfs, DESTINATION[:OPTIONS].
func ParseTmpfs(value string) (Mount, error) {
	destination, options, _ := strings.Cut(value, ":")
	m := Mount{Type: "tmpfs", Destination: destination, Options: []string{"nosuid", "nodev", "noexec"}}
	if options != "" {
		m.Options = append(m.Options, strings.Split(options, ",")...)
	}
	return m.finish(fmt.Sprintf("tmpfs %q", value))
}

// finish checks what every form has in common.
func (m Mount) finish(what string) (Mount, error) {
	if m.Type == "bind" && m.Source == "" {
		return Mount{}, fmt.Errorf("%s: no source given", what)
	}
	if m.Type == "volume" && m.Source != "" && !isVolumeName(m.Source) {
		return Mount{}, fmt.Errorf("%s: %q is neither an absolute path nor a volume name ([a-zA-Z0-9][a-zA-Z0-9_.-]*)", what, m.Source)
	}
	checked := m
	if checked.Type == "volume" { // the engine will make it a bind
		checked.Type, checked.Source = "bind", "/"
	}
	if err := checked.validate(); err != nil {
		return Mount{}, fmt.Errorf("%s: %w", what, err)
	}
	m.Destination = filepath.Clean(m.Destination)
	return m, nil
}

// isVolumeName accepts Docker's names for volumes, as long as a file's name
// can be.
func isVolumeName(name string) bool {
	const first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	return len(name) > 0 && len(name) <= 255 &&
		strings.Contains(first, name[:1]) && strings.Trim(name, first+"_.-") == ""
}

// AddMounts adds the mounts that a user asked for to those that every
// container has. One at the same destination takes the other's place; the rest
// follow, outer ones before inner ones, so that none hides another.
func AddMounts(mounts, wanted []Mount) []Mount {
	all := slices.Clone(mounts)
	var added []Mount
	for _, m := range wanted {
		same := func(other Mount) bool {
			return filepath.Clean(other.Destination) == filepath.Clean(m.Destination)
		}
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = m
		} else if i := slices.IndexFunc(added, same); i >= 0 {
			added[i] = m
		} else {
			added = append(added, m)
		}
	}
	slices.SortStableFunc(added, func(a, b Mount) int {
		return strings.Count(filepath.Clean(a.Destination), "/") - strings.Count(filepath.Clean(b.Destination), "/")
	})
	return append(all, added...)
}

// ParseMounts reads all values of -v, --mount and --tmpfs.
func ParseMounts(volumes, mounts, tmpfs []string) ([]Mount, error) {
	var all []Mount
	for _, flag := range []struct {
		values []string
		parse  func(string) (Mount, error)
	}{{volumes, ParseVolume}, {mounts, ParseMount}, {tmpfs, ParseTmpfs}} {
		for _, value := range flag.values {
			m, err := flag.parse(value)
			if err != nil {
				return nil, err
			}
			all = append(all, m)
		}
	}
	return all, nil
}
