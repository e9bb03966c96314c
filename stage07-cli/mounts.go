package cli

import (
	"path/filepath"
	"strings"

	"cooper/stage03-rootfs"
	"cooper/stage07-cli/engine"
)

// parseMounts reads the -v, --mount and --tmpfs flags by stage 3's grammar. In
// -v a source that begins with "." is a directory of the host, too, seen from
// here: the shell that people type it into has a current directory, and the
// engine has none.
//
// A directory of the host that isn't there is an error, also for -v. Docker
// makes one, owned by root, out of every typing mistake.
func parseMounts(volumes, mounts, tmpfs []string, here string) ([]engine.Mount, error) {
	absolute := make([]string, 0, len(volumes))
	for _, value := range volumes {
		if source, rest, found := strings.Cut(value, ":"); found && isRelative(source) {
			value = filepath.Join(here, source) + ":" + rest
		}
		absolute = append(absolute, value)
	}
	parsed, err := rootfs.ParseMounts(absolute, mounts, tmpfs)
	if err != nil {
		return nil, err
	}
	var all []engine.Mount
	for _, from := range parsed {
		all = append(all, engineMount(from))
	}
	return all, nil
}

func isRelative(source string) bool {
	return source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

// engineMount takes the options that the engine acts on out of those that
// mount(2) gets.
func engineMount(from rootfs.Mount) engine.Mount {
	m := engine.Mount{Type: from.Type, Source: from.Source, Destination: from.Destination,
		UIDMappings: from.UIDMappings, GIDMappings: from.GIDMappings}
	for _, option := range from.Options {
		switch option {
		case "ro":
			m.ReadOnly = true
		case "rw":
			m.ReadOnly = false
		case "nocopy":
			m.NoCopy = true
		default:
			m.Options = append(m.Options, option)
		}
	}
	return m
}
