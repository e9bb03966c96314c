package cli

import (
	"fmt"
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
		m := engineMount(from)
		for _, option := range m.Options {
			if m.Type != "tmpfs" && !knownOption(option) {
				return nil, fmt.Errorf("mount on %s: unknown option %q: use ro, rw, nocopy, nosuid, nodev or noexec", m.Destination, option)
			}
		}
		all = append(all, m)
	}
	return all, nil
}

// knownOption is for directories and volumes; what a tmpfs understands is
// asked of the kernel.
func knownOption(option string) bool {
	switch option {
	case "nosuid", "suid", "nodev", "dev", "noexec", "exec", "private", "rprivate":
		return true
	}
	return strings.HasPrefix(option, "bind-recursive=")
}

func isRelative(source string) bool {
	return source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

// engineMount takes the options that the engine acts on out of those that
// mount(2) gets.
func engineMount(from rootfs.Mount) engine.Mount {
	m := engine.Mount{Type: from.Type, Source: from.Source, Destination: from.Destination}
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
