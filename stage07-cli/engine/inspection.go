package engine

// Inspection is `inspect`'s answer, with the field names of Docker's API.
type Inspection struct {
	ID              string `json:"Id"`
	Created         string // RFC 3339, nanoseconds
	Path            string
	Args            []string
	State           InspectState
	Image           string // "sha256:…"
	ResolvConfPath  string
	HostnamePath    string
	HostsPath       string
	LogPath         string
	Name            string // with a leading slash, as Docker has it
	RestartCount    int
	Driver          string // "overlay"
	Platform        string // "linux"
	MountLabel      string // of SELinux, for the files; "" without
	ProcessLabel    string // of SELinux, for the command
	AppArmorProfile string // "" without
	Mounts          []InspectMount
	Config          InspectConfig
	HostConfig      InspectHostConfig
	NetworkSettings InspectNetwork
	GraphDriver     InspectGraph
}

// InspectState is the container's state, derived from the kernel.
type InspectState struct {
	Status     string // "created", "running", "paused", "exited", "corrupt"
	Running    bool
	Paused     bool
	Restarting bool
	OOMKilled  bool
	Dead       bool
	Pid        int // 0 when it doesn't run
	ShimPid    int // Cooper's own: the supervisor, 0 when it doesn't run
	ExitCode   int
	Error      string
	LogErrors  int64  `json:",omitempty"` // Cooper's own: output that could not be written to the log
	StartedAt  string // "0001-01-01T00:00:00Z" for never
	FinishedAt string
}

// InspectMount is one volume, bind mount or tmpfs.
type InspectMount struct {
	Type        string
	Name        string `json:",omitempty"` // of a volume
	Source      string
	Destination string
	Driver      string `json:",omitempty"`
	Mode        string
	RW          bool
	Propagation string
}

// InspectConfig is what the command sees of itself.
type InspectConfig struct {
	Hostname     string
	Domainname   string
	User         string
	AttachStdin  bool
	AttachStdout bool
	AttachStderr bool
	ExposedPorts map[string]struct{} `json:",omitempty"`
	Tty          bool
	OpenStdin    bool
	StdinOnce    bool
	Env          []string
	Cmd          []string
	Image        string
	Volumes      map[string]struct{}
	WorkingDir   string
	Entrypoint   []string
	Labels       map[string]string
	StopSignal   string `json:",omitempty"`
	StopTimeout  *int   `json:",omitempty"`
}

// InspectHostConfig is what the host grants the container.
type InspectHostConfig struct {
	Binds             []string
	NetworkMode       string
	PortBindings      map[string][]InspectPort
	PublishAllPorts   bool
	AutoRemove        bool
	CapAdd            []string
	CapDrop           []string
	GroupAdd          []string
	IpcMode           string // "private" unless asked otherwise
	PidMode           string // "" is its own
	UTSMode           string
	CgroupnsMode      string
	UsernsMode        string
	Privileged        bool
	ReadonlyRootfs    bool
	SecurityOpt       []string
	Init              *bool `json:",omitempty"`
	LogConfig         InspectLog
	Memory            int64 // bytes
	MemoryReservation int64
	MemorySwap        int64
	NanoCpus          int64
	CPUPeriod         int64 `json:"CpuPeriod"`
	CPUQuota          int64 `json:"CpuQuota"`
	CPUShares         int64 `json:"CpuShares"`
	CpusetCpus        string
	CpusetMems        string
	PidsLimit         int64
	CgroupParent      string
	OomScoreAdj       int
	Ulimits           []InspectUlimit
	Sysctls           map[string]string
	Devices           []InspectDevice
	DeviceCgroupRules []string
	BlkioWeight       uint16

	BlkioWeightDevice    []InspectWeight
	BlkioDeviceReadBps   []InspectRate
	BlkioDeviceWriteBps  []InspectRate
	BlkioDeviceReadIOps  []InspectRate
	BlkioDeviceWriteIOps []InspectRate

	MemorySwappiness *int64
	OomKillDisable   bool
	ShmSize          int64             // bytes; 0 for a container whose shared memory is another's
	Tmpfs            map[string]string `json:",omitempty"`
	Annotations      map[string]string `json:",omitempty"`
	ExtraHosts       []string
	DNS              []string `json:"Dns"`
	DNSSearch        []string `json:"DnsSearch"`
	DNSOptions       []string `json:"DnsOptions"`
	MaskedPaths      []string
	ReadonlyPaths    []string
	Runtime          string
}

// InspectUlimit is one resource limit of each process; -1 is none.
type InspectUlimit struct {
	Name string // "nofile"
	Soft int64
	Hard int64
}

// InspectWeight is a weight on one disk.
type InspectWeight struct {
	Path   string
	Weight uint16
}

// InspectRate is a ceiling on one disk.
type InspectRate struct {
	Path string
	Rate uint64 // bytes or operations a second
}

// InspectDevice is one device, or a directory of them.
type InspectDevice struct {
	PathOnHost        string
	PathInContainer   string
	CgroupPermissions string
}

// InspectLog says where the output goes.
type InspectLog struct {
	Type   string // "json-file"
	Config map[string]string
}

// InspectPort is one host address of a published port.
type InspectPort struct {
	HostIP   string `json:"HostIp"`
	HostPort string
}

// InspectNetwork is the container's network.
type InspectNetwork struct {
	Bridge      string
	SandboxKey  string // /proc/PID/ns/net while it runs
	Ports       map[string][]InspectPort
	Gateway     string
	IPAddress   string
	IPPrefixLen int
	MacAddress  string
	Networks    map[string]InspectEndpoint

	IPv6Gateway         string
	GlobalIPv6Address   string
	GlobalIPv6PrefixLen int
}

// InspectEndpoint is the container's place in one network.
type InspectEndpoint struct {
	IPAMConfig *InspectIPAM
	Aliases    []string
	DNSNames   []string
	NetworkID  string
	EndpointID string // "" when the container doesn't run, and so on

	Gateway             string
	IPAddress           string
	IPPrefixLen         int
	MacAddress          string
	GwPriority          int
	IPv6Gateway         string
	GlobalIPv6Address   string
	GlobalIPv6PrefixLen int
}

// InspectIPAM is what addresses the container asked for.
type InspectIPAM struct {
	IPv4Address string `json:",omitempty"`
	IPv6Address string `json:",omitempty"`
}

// InspectGraph is where the root file system's parts are.
type InspectGraph struct {
	Name string
	Data map[string]string
}
