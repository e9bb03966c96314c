package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"

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
		text("network", "Connect to a `network`: bridge, none, host or container:NAME (default bridge)"),
		text("hostname h", "Make `name` the host name inside"),
		text("domainname", "Make `name` the NIS domain name inside"),
		many("add-host", "Add `NAME:ADDRESS` to /etc/hosts"),
		many("dns", "Ask the name server at `address`"),
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

// createOptions reads the flags and the arguments IMAGE [COMMAND [ARG...]].
func createOptions(c *urfave.Context) (engine.CreateOptions, error) {
	o := engine.CreateOptions{
		Image:      c.Args().First(),
		Args:       c.Args().Tail(),
		Name:       c.String("name"),
		User:       c.String("user"),
		Cwd:        c.String("workdir"),
		Hostname:   c.String("hostname"),
		Domainname: c.String("domainname"),

		Terminal:   c.Bool("tty"),
		Stdin:      c.Bool("interactive"),
		Init:       c.Bool("init"),
		AutoRemove: c.Bool("rm"),

		Privileged:  c.Bool("privileged"),
		ReadOnly:    c.Bool("read-only"),
		CapAdd:      c.StringSlice("cap-add"),
		CapDrop:     c.StringSlice("cap-drop"),
		Groups:      c.StringSlice("group-add"),
		DeviceRules: c.StringSlice("device-cgroup-rule"),

		CgroupParent: c.String("cgroup-parent"),
		Sharing: engine.Sharing{IPC: c.String("ipc"), PID: c.String("pid"), UTS: c.String("uts"),
			Cgroup: c.String("cgroupns"), User: c.String("userns")},

		Network:    engine.NetworkMode(c.String("network")),
		ExtraHosts: c.StringSlice("add-host"),
		DNS:        c.StringSlice("dns"),
		StopSignal: c.String("stop-signal"),
	}
	if c.IsSet("entrypoint") {
		o.Entrypoint = []string{c.String("entrypoint")}
	}
	if c.IsSet("stop-timeout") {
		seconds := c.Int("stop-timeout")
		o.StopTimeout = &seconds
	}
	here, err := os.Getwd()
	if err != nil {
		here = "" // a deleted directory; only relative sources of -v miss it
	}
	for _, read := range []func() error{
		func() (err error) {
			o.Env, err = environment(c.StringSlice("env-file"), c.StringSlice("env"), os.LookupEnv)
			return err
		},
		func() error { return checkWorkdir(o.Cwd) },
		func() (err error) { o.Labels, err = labels(c.StringSlice("label")); return err },
		func() (err error) { o.Ports, err = parsePorts(c.StringSlice("publish")); return err },
		func() (err error) {
			o.Mounts, err = parseMounts(c.StringSlice("volume"), c.StringSlice("mount"), c.StringSlice("tmpfs"), here)
			return err
		},
		func() (err error) { o.Limits, err = parseLimits(c.String); return err },
		func() error { return parseIO(c.StringSlice, &o.Limits) },
		func() (err error) {
			o.Limits.OOMKillDisable = c.Bool("oom-kill-disable")
			o.Limits.MemorySwappiness, err = parseSwappiness(c.String("memory-swappiness"))
			return err
		},
		func() (err error) { o.Rlimits, err = parseUlimits(c.StringSlice("ulimit")); return err },
		func() (err error) { o.Devices, err = parseDevices(c.StringSlice("device")); return err },
		func() (err error) { o.Sysctl, err = parsePairs("sysctl", c.StringSlice("sysctl")); return err },
		func() (err error) {
			o.Annotations, err = parsePairs("annotation", c.StringSlice("annotation"))
			return err
		},
		func() (err error) { o.ShmSize, err = parseShmSize(c.String("shm-size")); return err },
		func() (err error) { o.OOMScoreAdj, err = parseScore(c.String("oom-score-adj")); return err },
		func() (err error) { o.SecurityOpt, err = securityOptions(c.StringSlice("security-opt")); return err },
	} {
		if err := read(); err != nil {
			return o, &usageError{"", err.Error()}
		}
	}
	return o, nil
}

func checkWorkdir(dir string) error {
	if dir != "" && !filepath.IsAbs(dir) {
		return fmt.Errorf("--workdir %q: it must be absolute: write /%s", dir, dir)
	}
	return nil
}

func parseShmSize(text string) (bytes int64, err error) {
	if text == "" {
		return 0, nil
	}
	bytes, err = cgroups.ParseBytes(text)
	if err == nil && bytes <= 0 {
		err = fmt.Errorf("size %q: write a number of bytes above 0", text)
	}
	if err != nil {
		return 0, fmt.Errorf("--shm-size: %w", err)
	}
	return bytes, nil
}

func parseScore(text string) (*int, error) {
	if text == "" {
		return nil, nil
	}
	score, err := strconv.Atoi(text)
	if err != nil || score < -1000 || score > 1000 {
		return nil, fmt.Errorf("--oom-score-adj %q: write a whole number from -1000 to 1000", text)
	}
	return &score, nil
}

func parseSwappiness(text string) (*int64, error) {
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < -1 || n > 100 {
		return nil, fmt.Errorf("--memory-swappiness %q: write a whole number from 0 to 100, or -1 for the machine's", text)
	}
	return &n, nil
}
