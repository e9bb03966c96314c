package namespaces

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Spec is what this stage must know of a container. It is plain data: the
// parent writes it down as JSON, the child reads it, and a fresh process can
// clean up from it.
//
// Each later stage embeds the Spec of the one before, so the JSON is flat and
// no field name may stand twice along the chain.
type Spec struct {
	// ID names the container: 64 lower-case hex digits from NewID. Whatever a
	// step makes outside (a cgroup, a link) carries it, so that Undo finds it.
	ID string `json:"id"`

	Args []string `json:"args"`          // the command and its arguments, never joined or split
	Env  []string `json:"env,omitempty"` // KEY=value; nothing of the host's environment comes along

	Namespaces []Namespace `json:"namespaces,omitempty"` // what isn't listed is the parent's
	Hostname   string      `json:"hostname,omitempty"`   // needs a new uts namespace
	Domainname string      `json:"domainname,omitempty"` // the NIS domain name; the same

	// UIDMappings and GIDMappings are for a new user namespace; see
	// user_namespaces(7).
	UIDMappings []IDMapping `json:"uidMappings,omitempty"`
	GIDMappings []IDMapping `json:"gidMappings,omitempty"`

	// Terminal gives the command a pseudo-terminal of its own in place of
	// Process.Stdin, Stdout and Stderr.
	Terminal    bool        `json:"terminal,omitempty"`
	ConsoleSize *WindowSize `json:"consoleSize,omitempty"`

	// Init keeps a small init as PID 1, which reaps orphans and forwards
	// signals; otherwise the command itself is PID 1.
	Init bool `json:"init,omitempty"`

	// Ourselves makes our own binary the command, once more, and nothing that the
	// container could have changed: Args[0] tells it what it is there for.
	Ourselves bool `json:"ourselves,omitempty"`

	// OutliveParent lets the command go on when its parent ends; otherwise the
	// kernel kills it then (PR_SET_PDEATHSIG).
	OutliveParent bool `json:"outliveParent,omitempty"`

	// NoNewKeyring leaves the session keyring of whoever started us to the
	// command; see keyrings(7).
	NoNewKeyring bool `json:"noNewKeyring,omitempty"`

	// Target is the pid of a process whose namespaces are joined, all of them
	// that differ from ours; Namespaces is then ignored. It is how exec enters
	// a running container.
	Target int `json:"target,omitempty"`

	// HoldExec makes the child wait for the parent's word, when nothing is left
	// to do but its exec. Set by namespaces/clone, from the Process.
	HoldExec bool `json:"holdExec,omitempty"`

	// Explain makes the child report each step, not only the one that failed.
	Explain bool `json:"explain,omitempty"`
}

// Base returns the Spec of this stage out of any later stage's Spec: the
// method is promoted along the chain.
func (s *Spec) Base() *Spec { return s }

// A Kind is one of the eight kinds of namespace, by the name that the runtime
// specification gives it. See namespaces(7).
type Kind string

const (
	Cgroup  Kind = "cgroup"
	IPC     Kind = "ipc"
	Mount   Kind = "mount"
	Network Kind = "network"
	PID     Kind = "pid"
	Time    Kind = "time"
	User    Kind = "user"
	UTS     Kind = "uts"
)

// Namespace asks for one namespace: a new one, or with Path the one behind a
// file such as /proc/1234/ns/net.
type Namespace struct {
	Kind Kind   `json:"type"`
	Path string `json:"path,omitempty"`
}

// IDMapping maps Size ids from ContainerID on to those from HostID on.
type IDMapping struct {
	ContainerID uint32 `json:"containerID"`
	HostID      uint32 `json:"hostID"`
	Size        uint32 `json:"size"`
}

// WindowSize is a terminal's size in characters.
type WindowSize struct {
	Height uint16 `json:"height"`
	Width  uint16 `json:"width"`
}

// flags holds the kernel's clone flag and the name under /proc/PID/ns of each
// kind.
var flags = map[Kind]struct {
	clone uintptr
	proc  string
}{
	Cgroup:  {unix.CLONE_NEWCGROUP, "cgroup"},
	IPC:     {unix.CLONE_NEWIPC, "ipc"},
	Mount:   {unix.CLONE_NEWNS, "mnt"},
	Network: {unix.CLONE_NEWNET, "net"},
	PID:     {unix.CLONE_NEWPID, "pid"},
	Time:    {unix.CLONE_NEWTIME, "time"},
	User:    {unix.CLONE_NEWUSER, "user"},
	UTS:     {unix.CLONE_NEWUTS, "uts"},
}

// ParseKind takes a kind by its name, or by the shorter one that it has under
// /proc/PID/ns. Validate refuses what neither knows.
func ParseKind(name string) Kind {
	for kind, flag := range flags {
		if name == flag.proc {
			return kind
		}
	}
	return Kind(name)
}

// RunAsRootOf adds a user namespace in which root is the given user and group
// of the host, and nobody else exists: what anyone may have without root.
func (s *Spec) RunAsRootOf(uid, gid int) {
	s.Namespaces = append(s.Namespaces, Namespace{Kind: User})
	s.UIDMappings = []IDMapping{{HostID: uint32(uid), Size: 1}}
	s.GIDMappings = []IDMapping{{HostID: uint32(gid), Size: 1}}
}

// New lists the given kinds as new namespaces.
func New(kinds ...Kind) []Namespace {
	list := make([]Namespace, 0, len(kinds))
	for _, kind := range kinds {
		list = append(list, Namespace{Kind: kind})
	}
	return list
}

// IsNew reports whether the container gets a new namespace of this kind.
func (s *Spec) IsNew(kind Kind) bool {
	for _, ns := range s.Namespaces {
		if ns.Kind == kind {
			return ns.Path == "" && s.Target == 0
		}
	}
	return false
}

// Validate refuses a Spec that can't become a process, before anything is made.
func (s *Spec) Validate() error {
	if len(s.Args) == 0 || s.Args[0] == "" {
		return fmt.Errorf("no command given: name the program to run")
	}
	seen := map[Kind]bool{}
	for _, ns := range s.Namespaces {
		if _, known := flags[ns.Kind]; !known {
			return fmt.Errorf("unknown namespace %q: use cgroup, ipc, mount, network, pid, time, user or uts", ns.Kind)
		}
		if seen[ns.Kind] {
			return fmt.Errorf("namespace %q given twice", ns.Kind)
		}
		seen[ns.Kind] = true
	}
	if s.IsNew(User) && (len(s.UIDMappings) == 0 || len(s.GIDMappings) == 0) {
		return fmt.Errorf("a new user namespace needs uid and gid mappings")
	}
	if !s.IsNew(UTS) && (s.Hostname != "" || s.Domainname != "") {
		return fmt.Errorf("a host name of its own needs a new uts namespace")
	}
	return nil
}
