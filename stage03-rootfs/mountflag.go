package rootfs

import (
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
)

// ParseMount reads the value of --mount, a line of comma-separated values:
//
//	type=bind,source=/host/dir,destination=/in/container,readonly
//
// The type is volume unless it is given.
func ParseMount(value string) (Mount, error) {
	what := fmt.Sprintf("mount %q", value)
	line := csv.NewReader(strings.NewReader(value))
	fields, err := line.Read()
	if err != nil {
		return Mount{}, fmt.Errorf("%s: %w", what, err)
	}
	m := Mount{Type: "volume"}
	for _, field := range fields {
		if err := m.set(field); err != nil {
			return Mount{}, fmt.Errorf("%s: %w", what, err)
		}
	}
	for _, field := range fields { // the type may come last
		key, _, _ := strings.Cut(strings.ToLower(field), "=")
		if kind, _, found := strings.Cut(key, "-"); found && kind != m.Type && mountTypes(kind) {
			return Mount{}, fmt.Errorf("%s: %s is for a mount of type %s, and this is a %s", what, key, kind, m.Type)
		}
	}
	if m.Type == "tmpfs" {
		if m.Source != "" {
			return Mount{}, fmt.Errorf("%s: a tmpfs has no source", what)
		}
		m.Options = append([]string{"nosuid", "nodev", "noexec"}, m.Options...)
	}
	return m.finish(what)
}

func mountTypes(word string) bool {
	return slices.Contains([]string{"bind", "volume", "tmpfs"}, word)
}

// set takes one key=value of --mount.
func (m *Mount) set(field string) error {
	key, value, hasValue := strings.Cut(field, "=")
	switch key = strings.ToLower(key); key {
	case "type":
		if !mountTypes(value) {
			return fmt.Errorf("type %q: use bind, volume or tmpfs", value)
		}
		m.Type = value
	case "source", "src":
		m.Source = value
	case "destination", "dst", "target":
		m.Destination = value
	case "readonly", "ro":
		return m.choose(field, value, hasValue, "ro", "rw")
	case "volume-nocopy":
		return m.choose(field, value, hasValue, "nocopy", "")
	case "bind-nonrecursive":
		return m.choose(field, value, hasValue, "bind-recursive=disabled", "")
	case "bind-propagation":
		if propagations[value] == 0 {
			return fmt.Errorf("%s: use private, slave, shared or unbindable, or rprivate and so on", field)
		}
		m.Options = append(m.Options, value)
	case "bind-recursive":
		m.Options = append(m.Options, field)
	case "relabel":
		return m.setRelabel(value)
	case "idmap":
		return m.setIDMap(value)
	case "tmpfs-size":
		m.Options = append(m.Options, "size="+value)
	case "tmpfs-mode":
		m.Options = append(m.Options, "mode="+value)
	case "tmpcopyup":
		return m.choose(field, value, hasValue, "tmpcopyup", "")
	case "consistency":
	default:
		return fmt.Errorf("unknown key %q: use type, source, destination, readonly, bind-propagation, bind-recursive, relabel, idmap, volume-nocopy, tmpfs-size, tmpfs-mode or tmpcopyup", key)
	}
	return nil
}

// choose takes a key that is true or false, and true if it stands alone.
func (m *Mount) choose(field, value string, hasValue bool, yes, no string) error {
	switch {
	case !hasValue || value == "true" || value == "1":
		m.Options = append(m.Options, yes)
	case value != "false" && value != "0":
		return fmt.Errorf("%s: use true or false", field)
	case no != "":
		m.Options = append(m.Options, no)
	}
	return nil
}

func (m *Mount) setRelabel(value string) error {
	switch value {
	case "shared":
		m.Options = append(m.Options, "z")
	case "private":
		m.Options = append(m.Options, "Z")
	default:
		return fmt.Errorf("relabel %q: use shared or private", value)
	}
	return nil
}

func (m *Mount) setIDMap(value string) (err error) {
	m.UIDMappings, m.GIDMappings, err = parseIDMappings(value)
	m.Options = append(m.Options, "ridmap")
	return err
}
