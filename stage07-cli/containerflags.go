package cli

import (
	"slices"

	urfave "github.com/urfave/cli/v2"
)

// containerFlags are those of run, create and plan: what a container is to be.
func containerFlags() []urfave.Flag {
	return slices.Concat(processFlags(), networkFlags(), mountFlags(), limitFlags(), ioFlags(), cgroupFlags(), confinementFlags())
}

func processFlags() []urfave.Flag {
	return []urfave.Flag{
		toggle("interactive i", "Keep standard input open"),
		toggle("tty t", "Give the container a terminal"),
		text("name", "Call the container `name`"),
		text("cidfile", "Write the container's id to a new `file`"),
		toggle("rm", "Remove the container when it has ended"),
		text("entrypoint", "Run `program` instead of the image's entrypoint"),
		text("workdir w", "Start in `directory` of the container"),
		text("user u", "Run as `user`, a name or a number, or user:group"),
		many("group-add", "Run in one more `group`, a name or a number"),
		many("env e", "Set an environment variable, `NAME=value`; NAME alone takes the value from here"),
		many("env-file", "Read environment variables from `file`"),
		many("label l", "Attach a label, `KEY=value`"),
		many("annotation", "Attach an annotation, `KEY=value`"),
		toggle("init", "Put a small init in front that reaps orphans and forwards signals"),
		text("stop-signal", "Stop it with `signal` (the image's, or TERM, unless given)"),
		number("stop-timeout", "Wait `seconds` for it to stop before killing it (10 unless given)"),
	}
}

func networkFlags() []urfave.Flag {
	return []urfave.Flag{
		many("publish p", "Publish a port: `HOST:CONTAINER`, with ADDRESS: before or /udp behind"),
		toggle("publish-all P", "Publish each exposed port, at a free one of the host"),
		many("expose", "Say that the command listens on `PORT`[-PORT][/udp]"),
		many("network net", "Connect to a `network` (again for one more), bridge, none, host or container:NAME; or name=NETWORK,ip=…,ip6=…,mac-address=…,alias=…,gw-priority=… (default bridge)"),
		text("ip", "Have the IPv4 `address` on the first network"),
		text("ip6", "Have the IPv6 `address` on the first network"),
		text("mac-address", "Have the hardware `address` on the first network"),
		many("network-alias net-alias", "Be found by one more `name` on the first network"),
		text("hostname h", "Make `name` the host name inside"),
		text("domainname", "Make `name` the NIS domain name inside"),
		many("add-host", "Add `NAME:ADDRESS` to /etc/hosts; host-gateway stands for this host's address"),
		many("dns", "Ask the name server at `address`"),
		many("dns-search", "Look for short names in `domain`, too; \".\" looks in none"),
		many("dns-option dns-opt", "Set an `option` of resolv.conf(5), such as ndots:2"),
	}
}

func mountFlags() []urfave.Flag {
	return []urfave.Flag{
		many("volume v", "Mount a directory or a volume: `SOURCE:DESTINATION`[:ro]"),
		many("mount", "Mount by `pairs`: type=bind,source=…,destination=…,readonly"),
		many("tmpfs", "Mount memory at `DESTINATION`[:OPTIONS]"),
		text("shm-size", "Make /dev/shm as large as `bytes` (default 64m)"),
		toggle("read-only", "Mount the root file system read-only"),
		many("device", "Give it a device of the host: `HOST`[:CONTAINER][:rwm]"),
		many("device-cgroup-rule", "Let it use the devices of a `rule`, such as \"c 10:229 rwm\""),
	}
}

// cgroupFlags are the limits that can't be changed later.
func cgroupFlags() []urfave.Flag {
	return []urfave.Flag{
		text("cgroup-parent", "Make the container's cgroup below `path` (default cooper)"),
		text("memory-swappiness", "Swap more or less readily than others: a `number` from 0 to 100 (cgroup version 1)"),
		toggle("oom-kill-disable", "Let processes wait at the memory limit instead of killing one (cgroup version 1)"),
		many("ulimit", "Limit each process: `NAME=SOFT`[:HARD], such as nofile=1024:4096"),
		text("oom-score-adj", "Make it a likelier victim when memory runs out, by a `number` from -1000 to 1000"),
		many("sysctl", "Set a kernel parameter of the container's namespaces: `KEY=VALUE`"),
	}
}

func confinementFlags() []urfave.Flag {
	return []urfave.Flag{
		text("ipc", "Share shared memory and queues by `mode`: private, none, shareable, host or container:NAME (default private)"),
		text("pid", "See the processes by `mode`: host or container:NAME (its own unless given)"),
		text("uts", "Share the host name by `mode`: host (its own unless given)"),
		text("cgroupns", "See cgroups by `mode`: private or host (default private)"),
		text("userns", "Map user ids by `mode`: host, which is not at all"),
		many("cap-add", "Add the capability `name`, or ALL"),
		many("cap-drop", "Drop the capability `name`, or ALL"),
		many("security-opt", "Set an `option`: no-new-privileges, seccomp=FILE, apparmor=PROFILE, label=LABEL or systempaths=unconfined"),
		toggle("privileged", "Give every capability and device: the container can then take over the host"),
	}
}
