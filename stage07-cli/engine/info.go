package engine

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"

	"cooper/stage02-cgroups"
	"golang.org/x/sys/unix"
)

// Info is what the engine uses of this host.
type Info struct {
	Root, Run                            string
	Containers, Running, Paused, Stopped int
	Images, Volumes                      int
	Kernel, OS, Architecture, Hostname   string
	CPUs                                 int
	Memory                               int64  // bytes
	CgroupDriver                         string // "systemd" or "cgroupfs"
	CgroupVersion                        string // "2", "1" or "1 (hybrid)"
	StorageDriver, LoggingDriver         string // "overlay", "json-file"
	Plugins                              Plugins
}

// Plugins are the drivers that volumes, networks and logs may have.
type Plugins struct{ Volume, Network, Log []string }

// Info describes the engine and its host.
func (e *Engine) Info() (*Info, error) {
	info := &Info{
		Root: e.Root, Run: e.RunDir, StorageDriver: "overlay", LoggingDriver: "json-file",
		CgroupDriver: e.cgroupDriver(), CPUs: runtime.NumCPU(), Architecture: runtime.GOARCH, OS: osName(),
		Plugins: Plugins{[]string{"local"}, []string{"bridge", "host", "ipvlan", "macvlan", "null"}, []string{"json-file"}},
	}
	containers, err := e.List(true)
	if err != nil {
		return nil, err
	}
	info.Containers = len(containers)
	for _, c := range containers {
		switch c.State {
		case "running":
			info.Running++
		case "paused":
			info.Paused++
		default:
			info.Stopped++
		}
	}
	list, err := e.store.List()
	if err != nil {
		return nil, err
	}
	volumes, err := e.Volumes()
	if err != nil {
		return nil, err
	}
	info.Images, info.Volumes = len(list), len(volumes)
	if err := info.host(); err != nil {
		return nil, err
	}
	return info, nil
}

func (i *Info) host() error {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return os.NewSyscallError("uname", err)
	}
	i.Kernel, i.Hostname = unix.ByteSliceToString(name.Release[:]), unix.ByteSliceToString(name.Nodename[:])
	var sys unix.Sysinfo_t
	if err := unix.Sysinfo(&sys); err != nil {
		return os.NewSyscallError("sysinfo", err)
	}
	i.Memory = int64(sys.Totalram) * int64(sys.Unit)
	i.CgroupVersion = cgroupVersion()
	return nil
}

// cgroupVersion adds what the version alone doesn't tell: a host that mounts
// both, with the controllers on version 1.
func cgroupVersion() string {
	system, err := cgroups.Detect()
	if err != nil {
		return "none"
	}
	text := strconv.Itoa(system.Version)
	if _, err := os.Stat("/sys/fs/cgroup/unified/cgroup.procs"); system.Version == 1 && err == nil {
		text += " (hybrid)"
	}
	return text
}

// osName is what the host calls itself; see os-release(5).
func osName() string {
	file, err := os.Open("/etc/os-release")
	if err != nil {
		return "Linux"
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if value, found := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); found {
			return strings.Trim(value, `"'`)
		}
	}
	return "Linux"
}
