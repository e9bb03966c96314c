package engine

import (
	"io"

	"cooper/stage01-namespaces"
	"cooper/stage03-rootfs"
)

// CreateOptions is what the user asks of a new container, as `cooper create`
// and `cooper run` take it. The zero value of a field means the image's or
// Docker's default.
type CreateOptions struct {
	Name  string   `json:"name,omitempty"` // [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 128; "" invents one
	Image string   `json:"image"`          // a name or an id; it must be in the store
	Args  []string `json:"args,omitempty"` // replaces the image's Cmd; never joined or split

	// Entrypoint replaces the image's entrypoint; [""] or an empty, non-nil
	// list clears it. The image's Cmd is then not used, as with Docker.
	Entrypoint []string `json:"entrypoint,omitempty"`

	Env        []string          `json:"env,omitempty"` // KEY=value, over the image's
	User       string            `json:"user,omitempty"`
	Cwd        string            `json:"cwd,omitempty"`
	Hostname   string            `json:"hostname,omitempty"` // "" is the first 12 digits of the id
	Domainname string            `json:"domainname,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"` // over the image's

	Annotations map[string]string `json:"annotations,omitempty"` // remembered, without a meaning to the engine

	Terminal bool `json:"terminal,omitempty"` // -t
	Stdin    bool `json:"stdin,omitempty"`    // -i: standard input is a pipe, not /dev/null
	// StdinOnce ends standard input when the first client that gave some goes:
	// what `run -i` in the foreground wants, and `run -d -i` doesn't.
	StdinOnce bool `json:"stdinOnce,omitempty"`

	Init       bool `json:"init,omitempty"`
	AutoRemove bool `json:"autoRemove,omitempty"` // --rm: the shim removes it, whoever is still alive

	Privileged bool     `json:"privileged,omitempty"`
	ReadOnly   bool     `json:"readOnly,omitempty"`
	CapAdd     []string `json:"capAdd,omitempty"` // "NET_ADMIN", "CAP_NET_ADMIN" or "ALL", in any case
	CapDrop    []string `json:"capDrop,omitempty"`
	Groups     []string `json:"groups,omitempty"` // --group-add: names or gids

	// SecurityOpt are those of --security-opt, but that a seccomp profile stands
	// there itself and not the name of its file: "seccomp={…}".
	SecurityOpt []string `json:"securityOpt,omitempty"`

	Limits       Limits            `json:"limits"`
	CgroupParent string            `json:"cgroupParent,omitempty"` // "" is "cooper"; with systemd a slice, and "" is "system.slice"
	CgroupDriver string            `json:"cgroupDriver,omitempty"` // the engine's, when the container was made
	Rlimits      []rootfs.Rlimit   `json:"rlimits,omitempty"`      // --ulimit
	OOMScoreAdj  *int              `json:"oomScoreAdj,omitempty"`  // -1000 to 1000
	Sysctl       map[string]string `json:"sysctl,omitempty"`

	Devices     []Device `json:"devices,omitempty"`     // --device
	DeviceRules []string `json:"deviceRules,omitempty"` // --device-cgroup-rule: "c 10:229 rwm"

	Mounts  []Mount `json:"mounts,omitempty"`  // -v, --mount, --tmpfs
	ShmSize int64   `json:"shmSize,omitempty"` // bytes of /dev/shm; 0 is 64 MiB

	Sharing Sharing `json:"sharing"` // --ipc, --pid, --uts, --cgroupns, --userns

	// Network is "none", "host", "container:NAME" or the name of a network; "" is
	// the default one. Endpoints say more of the places in networks, of which
	// there may be several.
	Network   NetworkMode `json:"network,omitempty"`
	Endpoints []Endpoint  `json:"endpoints,omitempty"`
	Ports     []Port      `json:"ports,omitempty"`

	// Expose are ports that the command listens on, "80/tcp", and PublishAll
	// publishes each of them. Those of the image are added when the container is
	// made.
	Expose     []string `json:"expose,omitempty"`
	PublishAll bool     `json:"publishAll,omitempty"`

	ExtraHosts []string `json:"extraHosts,omitempty"` // "name:address"
	DNS        []string `json:"dns,omitempty"`
	DNSSearch  []string `json:"dnsSearch,omitempty"`  // "." is none
	DNSOptions []string `json:"dnsOptions,omitempty"` // as in resolv.conf(5)

	StopSignal  string `json:"stopSignal,omitempty"`  // "" is the image's, or SIGTERM
	StopTimeout *int   `json:"stopTimeout,omitempty"` // seconds; nil is 10

	Log LogOptions `json:"log"`
}

// Mount is one entry of -v or --mount.
type Mount struct {
	Type string `json:"type"` // "bind", "volume" or "tmpfs"
	// Source is a host path for a bind (absolute), a volume's name for a
	// volume ("" makes an anonymous one), and nothing for a tmpfs.
	Source      string   `json:"source,omitempty"`
	Destination string   `json:"destination"` // absolute, in the container
	ReadOnly    bool     `json:"readOnly,omitempty"`
	NoCopy      bool     `json:"noCopy,omitempty"`     // a new volume stays empty
	CreateHost  bool     `json:"createHost,omitempty"` // -v makes a missing host directory; --mount refuses
	Options     []string `json:"options,omitempty"`    // "rprivate", "rslave", "size=64m", "mode=1777", …

	// UIDMappings and GIDMappings are for the option ridmap, as in rootfs.Mount.
	UIDMappings []namespaces.IDMapping `json:"uidMappings,omitempty"`
	GIDMappings []namespaces.IDMapping `json:"gidMappings,omitempty"`
}

// Device is one device, or a directory of devices, of the host.
type Device struct {
	Host        string `json:"host"`        // "/dev/fuse"
	Container   string `json:"container"`   // the path inside
	Permissions string `json:"permissions"` // of "rwm": to read, to write, to make nodes
}

// LogOptions bounds what a container's output may take on disk.
type LogOptions struct {
	MaxSize  int64 `json:"maxSize,omitempty"`  // bytes a file; 0 is 10 MiB
	MaxFiles int   `json:"maxFiles,omitempty"` // files kept, the current one included; 0 is 3
}

// Streams joins a client to a container's standard streams.
type Streams struct {
	In       io.Reader // nil: no input is given, and the container's is left open
	Out, Err io.Writer // nil drops that stream; with a terminal all comes on Out

	// DetachKeys leaves the container when they come on In, which then isn't
	// at its end: "ctrl-p,ctrl-q" is what Docker uses. "" never detaches.
	DetachKeys string

	// Resize carries the sizes of the client's terminal; nil without one. The
	// first is in its buffer when the streams are handed over.
	Resize <-chan namespaces.WindowSize
}

// StartOptions says how a container is started.
type StartOptions struct {
	// Attach hands the streams over before the command begins, so that no byte
	// is lost. nil starts it in the background.
	Attach *Streams

	// Watch is told of each step, outside and inside (--explain).
	Watch func(namespaces.Event)

	// Made is told the id as soon as Run has made the container, be it that its
	// start fails.
	Made func(id string) error
}

// ExecOptions is what `cooper exec` takes.
type ExecOptions struct {
	Args       []string
	Env        []string // over the container's
	User       string   // "" is the container's
	Cwd        string   // "" is the container's
	Terminal   bool
	Stdin      bool
	Privileged bool
	Detach     bool
	Attach     *Streams // ignored with Detach
	Watch      func(namespaces.Event)
}

// LogsOptions is what `cooper logs` takes.
type LogsOptions struct {
	Follow     bool
	Tail       int    // the last so many lines; -1 is all
	Since      string // RFC 3339, Unix seconds, or a duration back from now ("10m"); "" is the beginning
	Until      string
	Timestamps bool
	Out, Err   io.Writer
}
