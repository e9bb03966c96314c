package engine_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"cooper/stage07-cli/engine"
	"github.com/stretchr/testify/require"
)

// The table of docs/defaults.md: Cooper's column is that of a running container.
func TestTheTableOfDefaultsIsTrue(t *testing.T) {
	b := newBench(t)
	in, err := b.Inspect(b.started(t, engine.CreateOptions{Image: "base", Args: []string{"sleep", "1000"}}))
	require.NoError(t, err)
	s := &subject{t, in, in.State.Pid}
	user, err := b.Inspect(b.started(t, engine.CreateOptions{Image: "base", Args: []string{"sleep", "1000"}, User: "1000", Network: "none"}))
	require.NoError(t, err)
	found := s.defaults()
	found["capabilities of another user"] = orNone((&subject{t, user, user.State.Pid}).status("CapEff"))
	table := documentedDefaults(t)
	for what, value := range found {
		require.Equal(t, value, table[what], what)
	}
	require.Len(t, table, len(found), "and there is nothing else in it")
}

// documentedDefaults reads the first two columns of the table.
func documentedDefaults(t *testing.T) map[string]string {
	text, err := os.ReadFile("../../docs/defaults.md")
	require.NoError(t, err)
	table := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) == 6 && strings.TrimSpace(cells[1]) != "" && !strings.HasPrefix(cells[1], "---") {
			table[strings.TrimSpace(cells[1])] = strings.TrimSpace(cells[2])
		}
	}
	return table
}

// defaults looks up what the container got.
func (s *subject) defaults() map[string]string {
	found := map[string]string{
		"capabilities":                         s.status("CapEff"),
		"inheritable and ambient capabilities": orNone(s.status("CapInh"), s.status("CapAmb")),
		"no new privileges":                    map[string]string{"0": "no", "1": "yes"}[s.status("NoNewPrivs")],
		"seccomp filters":                      s.status("Seccomp_filters"),
		"umask":                                s.status("Umask"),
		"oom_score_adj":                        strings.TrimSpace(s.proc("oom_score_adj")),
		"processes and threads":                s.cgroupFile("pids.max", "pids", "pids.max"),
		"open files, soft limit":               strings.Fields(lineOf(s, fmt.Sprintf("/proc/%d/limits", s.pid), "Max open files"))[0],
		"environment":                          s.variables(),
		"working directory":                    s.link("cwd"),
		"namespaces of its own":                s.ownNamespaces(),
		"device nodes":                         s.nodes(),
		"masked paths":                         strings.Join(s.everywhere(s.in.HostConfig.MaskedPaths), " "),
		"read-only paths":                      strings.Join(s.in.HostConfig.ReadonlyPaths, " "),
	}
	mounts := s.mounts()
	for _, point := range []string{"/proc", "/dev", "/dev/pts", "/sys", "/dev/mqueue", "/dev/shm"} {
		found[point] = mounts[point].shown()
	}
	for _, name := range []string{"net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start"} {
		var text []byte
		s.inside(func() (err error) {
			text, err = os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
			return err
		}, "net")
		found[name] = strings.Join(strings.Fields(string(text)), " ")
	}
	return found
}

// orNone is "none" for capability sets that are empty.
func orNone(sets ...string) string {
	for _, set := range sets {
		if strings.Trim(set, "0") != "" {
			return set
		}
	}
	return "none"
}

func (s *subject) variables() string {
	var names []string
	for pair := range strings.SplitSeq(strings.TrimSuffix(s.proc("environ"), "\x00"), "\x00") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func (s *subject) ownNamespaces() string {
	var own []string
	for _, kind := range []string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"} {
		if ours, err := os.Readlink("/proc/self/ns/" + kind); err == nil && ours != s.link("ns/"+kind) {
			own = append(own, kind)
		}
	}
	return strings.Join(own, " ")
}

func (s *subject) nodes() string {
	var names []string
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/root/dev", s.pid))
	require.NoError(s, err)
	for _, entry := range entries {
		if entry.Type()&fs.ModeDevice != 0 {
			names = append(names, entry.Name())
		}
	}
	return strings.Join(names, " ")
}

// everywhere leaves out those of single processors, of which each machine has
// another number.
func (s *subject) everywhere(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return filepath.Base(path) == "thermal_throttle" })
}

// shown is a mount as the table shows it: without the time of access, and
// without what the kernel adds to a tmpfs by itself.
func (m mounted) shown() string {
	var flags, data []string
	for _, option := range m.options {
		name, _, isData := strings.Cut(option, "=")
		switch {
		case strings.HasSuffix(option, "atime") || slices.Contains(flags, option) || option == "rw" && len(flags) > 0 || name == "inode64":
		case isData && (name == "size" || name == "mode" && m.point != "/dev/shm" || name == "gid" || name == "ptmxmode"):
			data = append(data, option)
		case !isData:
			flags = append(flags, option)
		}
	}
	return strings.TrimSpace(m.fstype + " " + strings.Join(flags, ",") + " " + strings.Join(data, ","))
}
