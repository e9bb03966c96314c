package engine

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"cooper/stage01-namespaces"
	"cooper/stage03-rootfs"
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"

	"golang.org/x/sys/unix"
)

// Sharing says which namespaces the container doesn't have to itself, in
// Docker's words: "" and "private" are a new one, "host" is the host's, and
// "container:NAME" another container's, which must run at each start.
type Sharing struct {
	IPC    string `json:"ipc,omitempty"` // also "none": without /dev/shm; and "shareable": others may join
	PID    string `json:"pid,omitempty"` // "", "host" or "container:NAME"
	UTS    string `json:"uts,omitempty"` // "" or "host"
	Cgroup string `json:"cgroup,omitempty"`
	User   string `json:"user,omitempty"` // "" or "host", which are the same: ids aren't mapped
}

const shm = "/dev/shm"

// validate refuses what isn't a mode of its kind.
func (sh *Sharing) validate() error {
	for _, kind := range []struct {
		flag, value string
		joinable    bool
		modes       []string
	}{
		{"ipc", sh.IPC, true, []string{"private", "none", "host", "shareable"}},
		{"pid", sh.PID, true, []string{"host"}},
		{"uts", sh.UTS, false, []string{"host"}},
		{"cgroupns", sh.Cgroup, false, []string{"private", "host"}},
		{"userns", sh.User, false, []string{"host"}},
	} {
		joins := kind.joinable && joined(kind.value) != ""
		if kind.value == "" || joins || slices.Contains(kind.modes, kind.value) {
			continue
		}
		use := strings.Join(kind.modes, ", ")
		if kind.joinable {
			use += " or container:NAME"
		}
		if kind.flag == "userns" {
			use += ", which is what there is: the ids of containers aren't mapped to others"
		}
		return tell(ErrInvalid, "--%s: invalid mode %s: use %s", kind.flag, quotedPath(kind.value), use)
	}
	return nil
}

// joined is the container of "container:NAME", or "".
func joined(mode string) string { return network.Mode(mode).Container() }

// share takes from the Spec the namespaces that the container has no new one
// of. Those of another container are filled in at each start.
func share(s *network.Spec, sh *Sharing) {
	for kind, mode := range map[namespaces.Kind]string{
		namespaces.IPC: sh.IPC, namespaces.PID: sh.PID, namespaces.UTS: sh.UTS, namespaces.Cgroup: sh.Cgroup,
	} {
		switch {
		case mode == "host":
			s.Namespaces = slices.DeleteFunc(s.Namespaces, func(ns namespaces.Namespace) bool { return ns.Kind == kind })
		case joined(mode) != "":
			enter(s, kind, "/proc/PID/ns/"+string(kind)) // which PID, only a start can tell
		}
	}
	shareMemory(s, sh.IPC)
}

// shareMemory makes /dev/shm follow the ipc namespace: POSIX shared memory is
// files there (see shm_overview(7)), and who shares the one expects the other.
func shareMemory(s *network.Spec, mode string) {
	shared := rootfs.Mount{Type: "bind", Source: shm, Destination: shm, Options: []string{"nosuid", "nodev", "noexec"}}
	switch {
	case mode == "none":
		s.Mounts = slices.DeleteFunc(s.Mounts, func(m rootfs.Mount) bool { return m.Destination == shm })
		return
	case mode == "host":
	case joined(mode) != "":
		shared.Namespace = "/proc/PID/ns/mnt" // which PID, only a start can tell
	default:
		return
	}
	for i := range s.Mounts {
		if s.Mounts[i].Destination == shm {
			s.Mounts[i] = shared
		}
	}
}

// enter makes the Spec join the namespace behind a file.
func enter(s *network.Spec, kind namespaces.Kind, path string) {
	for i := range s.Namespaces {
		if s.Namespaces[i].Kind == kind {
			s.Namespaces[i].Path = path
		}
	}
}

// resolveSharing writes down the ids of the containers whose namespaces are
// joined: names may change later.
func (e *Engine) resolveSharing(o *CreateOptions) error {
	if name := o.Network.Container(); name != "" {
		target, err := e.find(name)
		if err != nil {
			return err
		}
		o.Network = network.Mode("container:" + target.id)
	}
	for _, mode := range []*string{&o.Sharing.IPC, &o.Sharing.PID} {
		if joined(*mode) == "" {
			continue
		}
		target, err := e.find(joined(*mode))
		if err != nil {
			return err
		}
		*mode = "container:" + target.id
	}
	return nil
}

// joinOthers looks up the processes of the containers whose namespaces are
// shared: other ones at each start.
func (e *Engine) joinOthers(s *network.Spec, o *CreateOptions) (targets []state.Task, err error) {
	for _, share := range []struct {
		mode, what string
		join       func(*network.Spec, *container) error
	}{
		{string(o.Network), "network", e.joinNetwork},
		{o.Sharing.IPC, "the ipc namespace", joinIPC},
		{o.Sharing.PID, "the pid namespace", joinPID},
	} {
		if joined(share.mode) == "" {
			continue
		}
		target, err := e.find(joined(share.mode))
		if err != nil {
			return nil, err
		}
		if err := target.mustRun(); err != nil {
			return nil, fmt.Errorf("cannot join %s of a non running container: %w", share.what, err)
		}
		if err := share.join(s, target); err != nil {
			return nil, err
		}
		targets = append(targets, *target.seen.Status.Init)
	}
	return targets, nil
}

func (e *Engine) joinNetwork(s *network.Spec, target *container) error {
	s.Network.Joined = target.seen.Status.Init.Pid
	s.Network.FilesDir = e.Container(target.id)
	network.Configure(s)
	return nil
}

func joinIPC(s *network.Spec, target *container) error {
	if !target.sharesIPC() {
		return tell(ErrConflict, "cannot join the ipc namespace of container %s: it isn't shareable: make it with --ipc shareable", target.name())
	}
	enter(s, namespaces.IPC, target.namespace("ipc"))
	for i := range s.Mounts {
		if s.Mounts[i].Namespace != "" {
			s.Mounts[i].Namespace = target.namespace("mnt")
		}
	}
	return nil
}

func joinPID(s *network.Spec, target *container) error {
	enter(s, namespaces.PID, target.namespace("pid"))
	return nil
}

// namespace is the file of a running container's namespace.
func (c *container) namespace(file string) string {
	return fmt.Sprintf("/proc/%d/ns/%s", c.seen.Status.Init.Pid, file)
}

// openNamespace opens a namespace of a container that runs; nil if it doesn't.
func (c *container) openNamespace(file string) (*os.File, error) {
	if !c.running() {
		return nil, nil
	}
	namespace, err := c.seen.Status.Init.Namespace(file)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	return namespace, err
}

// sharesIPC reports whether others may join. Not everybody may: who is in the
// same ipc namespace can read and write the shared memory of all others. One
// that has itself joined a container that shares is as open as that one.
func (c *container) sharesIPC() bool {
	mode := c.config.Options.Sharing.IPC
	return mode == "shareable" || mode == "host" || joined(mode) != ""
}

// hostName is the name that a container without a uts namespace sees.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}
