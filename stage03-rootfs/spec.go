package rootfs

import (
	namespaces "cooper/stage01-namespaces"
	cgroups "cooper/stage02-cgroups"
)

// Spec is what this stage must know of a container, on top of stage 2.
//
// Defaults returns one with everything that a container usually gets; an empty
// Spec gets nothing: no mounts, no capabilities, no masks.
type Spec struct {
	cgroups.Spec

	// Rootfs is the directory on the host that becomes the container's /.
	Rootfs         string `json:"rootfs,omitempty"`
	ReadonlyRootfs bool   `json:"readonlyRootfs,omitempty"`

	// RootfsPropagation is what / has to do with its copies in mount namespaces
	// that the container makes: "private" (also if ""), "shared", "slave",
	// "unbindable", or one of them with an r in front. It never ties / to the host.
	RootfsPropagation string `json:"rootfsPropagation,omitempty"`

	// Mounts are made in this order. A later one may lie inside an earlier one.
	Mounts []Mount `json:"mounts,omitempty"`

	// Devices are made in /dev beside the standard ones, when the Spec mounts a
	// tmpfs there.
	Devices []Device `json:"devices,omitempty"`

	// MaskedPaths can't be read: a file reads as empty, a directory is empty.
	// ReadonlyPaths can't be written. Paths that don't exist are skipped.
	MaskedPaths   []string `json:"maskedPaths,omitempty"`
	ReadonlyPaths []string `json:"readonlyPaths,omitempty"`

	// Sysctl sets kernel parameters, "net.ipv4.ip_forward": "1"; only those that
	// belong to a new namespace of the container are allowed.
	Sysctl map[string]string `json:"sysctl,omitempty"`

	// Cwd is the working directory inside; "" is "/". It is created if missing.
	Cwd string `json:"cwd,omitempty"`

	// User is "name", "uid", "name:group" or "uid:gid", looked up in the
	// container's own /etc/passwd and /etc/group; "" is uid 0.
	User             string   `json:"user,omitempty"`
	AdditionalGroups []string `json:"additionalGroups,omitempty"` // names or gids

	// Capabilities are the bounding, permitted and effective set: "CAP_CHOWN".
	// See capabilities(7).
	Capabilities []string `json:"capabilities,omitempty"`

	// AmbientCapabilities, some of Capabilities, are kept by a user other than
	// root, and by the programs that they execute. Nobody has any by default.
	AmbientCapabilities []string `json:"ambientCapabilities,omitempty"`

	// NoNewPrivileges makes setuid programs and file capabilities ineffective.
	NoNewPrivileges bool `json:"noNewPrivileges,omitempty"`

	// SeccompFilter decides which system calls may be made: an array of struct
	// sock_filter in the machine's byte order, as LoadSeccomp makes it; nil
	// permits all. See seccomp(2).
	SeccompFilter []byte `json:"seccompFilter,omitempty"`

	// Privileged gives every capability and device that the engine itself has,
	// and masks nothing: such a container is root on the host in all but name.
	Privileged bool `json:"privileged,omitempty"`

	// ApparmorProfile confines the command if it names a loaded profile; see
	// apparmor(7). SelinuxLabel is the command's context, and MountLabel that of
	// the files in its filesystems and relabelled volumes; see selinux(8).
	ApparmorProfile string `json:"apparmorProfile,omitempty"`
	SelinuxLabel    string `json:"selinuxLabel,omitempty"`
	MountLabel      string `json:"mountLabel,omitempty"`

	Rlimits []Rlimit `json:"rlimits,omitempty"`

	// OOMScoreAdj, from -1000 to 1000, moves the process down or up the list of
	// those that the kernel kills when memory runs out; nil leaves it alone.
	OOMScoreAdj *int `json:"oomScoreAdj,omitempty"`
}

// Mount is one mount of a container, in the words of the runtime
// specification and of fstab(5).
type Mount struct {
	// Type is "bind", or a filesystem: "tmpfs", "proc", "sysfs", "devpts",
	// "mqueue", "cgroup", or any other that the kernel has. A "volume" is the
	// engine's to turn into a bind.
	Type string `json:"type"`

	// Source is the directory or file on the host for a bind, the volume's name
	// for a volume, the device for a filesystem that lies on one, and only a
	// name for the others.
	Source string `json:"source,omitempty"`

	// Namespace is the file of another container's mount namespace, in which the
	// Source of a bind is looked for: "/proc/PID/ns/mnt". "" is the host's.
	Namespace string `json:"namespace,omitempty"`

	// Destination is an absolute path in the container. It is resolved and, if
	// missing, created inside the container's root whatever links are on the way.
	Destination string `json:"destination"`

	// Options are those of mount(8): "ro", "nosuid", "size=64m", …
	Options []string `json:"options,omitempty"`

	// UIDMappings and GIDMappings are for the options idmap and ridmap:
	// ContainerID on the disk is seen as HostID.
	UIDMappings []namespaces.IDMapping `json:"uidMappings,omitempty"`
	GIDMappings []namespaces.IDMapping `json:"gidMappings,omitempty"`
}

// Device is a device node in the container; see mknod(2).
type Device struct {
	Path  string `json:"path"`
	Type  string `json:"type"` // "c" or "b"
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
	Mode  uint32 `json:"fileMode"` // permission bits
	UID   uint32 `json:"uid"`
	GID   uint32 `json:"gid"`

	// HostPath is where the host has the device if not at Path. It is bound
	// from there where a node can't be made.
	HostPath string `json:"hostPath,omitempty"`

	// Access is what the device cgroup allows of "rwm"; all of it if "".
	Access string `json:"access,omitempty"`
}

// Rlimit is one resource limit, "RLIMIT_NOFILE", in the kernel's units; see
// getrlimit(2). The largest uint64 stands for unlimited.
type Rlimit struct {
	Type string `json:"type"`
	Soft uint64 `json:"soft"`
	Hard uint64 `json:"hard"`
}
