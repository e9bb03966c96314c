package engine

import (
	"context"
	"fmt"
	"os"
	"strings"

	"cooper/stage02-cgroups"
	"cooper/stage06-network"
	"cooper/stage06-network/firewall"
	"golang.org/x/sys/unix"
)

// Finding is one line of `doctor`.
type Finding struct {
	Name    string // "overlay", "leftovers"
	OK      bool
	Message string // what was seen
	Advice  string // what to do; "" when OK
}

// Doctor says what the host lacks and what is left over. It changes nothing.
func (e *Engine) Doctor(ctx context.Context) []Finding {
	findings := append([]Finding{
		kernelVersion(), fileSystem("overlay", "load it: modprobe overlay"), cgroupFinding(),
		namespaceFinding(), privilege(), stateFinding(e.Root),
	}, networking()...)
	left, err := e.leftovers()
	switch {
	case err != nil:
		findings = append(findings, Finding{Name: "leftovers", Message: err.Error(), Advice: "check the disk that holds " + e.Root})
	case len(left) == 0:
		findings = append(findings, Finding{Name: "leftovers", OK: true, Message: "nothing is left over"})
	}
	for _, l := range left {
		findings = append(findings, Finding{Name: "leftovers", Message: "left over: " + l.what, Advice: "run: cooper system cleanup"})
	}
	return append(findings, e.corrupt()...)
}

func (e *Engine) corrupt() []Finding {
	list, err := e.List(true)
	if err != nil {
		return []Finding{{Name: "containers", Message: err.Error(), Advice: "check the disk that holds " + e.Root}}
	}
	var findings []Finding
	for _, s := range list {
		if s.Problem != "" {
			findings = append(findings, Finding{Name: "containers", Message: "container " + s.ID[:12] + ": " + s.Problem, Advice: "run: cooper rm -f " + s.ID[:12]})
		}
	}
	return findings
}

func cgroupFinding() Finding {
	system, err := cgroups.Detect()
	if err != nil {
		return Finding{Name: "cgroups", Message: err.Error(), Advice: "mount cgroup2 on /sys/fs/cgroup"}
	}
	return Finding{Name: "cgroups", OK: true, Message: fmt.Sprintf("version %s, %d hierarchies", cgroupVersion(), len(system.Hierarchies))}
}

func privilege() Finding {
	if os.Geteuid() == 0 {
		return Finding{Name: "privilege", OK: true, Message: "running as root"}
	}
	return Finding{Name: "privilege", Message: fmt.Sprintf("running as uid %d", os.Geteuid()), Advice: "run it with sudo"}
}

func stateFinding(root string) Finding {
	var fs unix.Statfs_t
	if err := unix.Statfs(root, &fs); err != nil {
		return Finding{Name: "state", Message: err.Error(), Advice: "choose another directory with --root"}
	}
	free := fs.Bavail * uint64(fs.Bsize)
	finding := Finding{Name: "state", OK: free > 1<<30, Message: fmt.Sprintf("%s, %d MiB free", root, free>>20)}
	if !finding.OK {
		finding.Advice = "free some space, or choose another directory with --root"
	}
	return finding
}

// oldestKernel is what our system calls ask for: 5.15 has them all, except for
// overlayfs's lowerdir+ of 6.5, without which long lists of layers don't fit.
const oldestMajor, oldestMinor = 5, 15

func kernelVersion() Finding {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return Finding{Name: "kernel", Message: err.Error(), Advice: "use Linux"}
	}
	release := unix.ByteSliceToString(name.Release[:])
	var major, minor int
	_, _ = fmt.Sscanf(release, "%d.%d", &major, &minor)
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return Finding{Name: "kernel", Message: "Linux " + release, Advice: fmt.Sprintf("use Linux %d.%d or newer", oldestMajor, oldestMinor)}
	}
	return Finding{Name: "kernel", OK: true, Message: "Linux " + release}
}

func fileSystem(name, advice string) Finding {
	list, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		return Finding{Name: name, Message: err.Error(), Advice: "mount /proc"}
	}
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 0 && fields[len(fields)-1] == name {
			return Finding{Name: name, OK: true, Message: "the kernel knows the file system " + name}
		}
	}
	return Finding{Name: name, Message: "the kernel doesn't know the file system " + name, Advice: advice}
}

func namespaceFinding() Finding {
	var missing []string
	for _, kind := range []string{"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"} {
		if _, err := os.Lstat("/proc/self/ns/" + kind); err != nil {
			missing = append(missing, kind)
		}
	}
	if len(missing) > 0 {
		return Finding{Name: "namespaces", Message: "missing: " + strings.Join(missing, ", "), Advice: "use a kernel with CONFIG_NAMESPACES"}
	}
	return Finding{Name: "namespaces", OK: true, Message: "all kinds are there"}
}

// networking names what keeps containers' packets from their way.
func networking() (findings []Finding) {
	found, err := firewall.Blockers(network.BridgePrefix + "+")
	if err != nil {
		return []Finding{{Name: "network", Message: err.Error(), Advice: "use --network none or host"}}
	}
	for _, f := range found {
		findings = append(findings, Finding{Name: "network", Message: f.What, Advice: f.Advice})
	}
	if len(findings) == 0 {
		findings = []Finding{{Name: "network", OK: true, Message: "nothing on this host keeps containers' packets away"}}
	}
	return findings
}
