package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

// containerFlags are those of run, create and plan: what a container is to be.
func containerFlags() []urfave.Flag {
	return []urfave.Flag{
		toggle("interactive i", "Keep standard input open"),
		toggle("tty t", "Give the container a terminal"),
		text("name", "Call the container `name`"),
		toggle("rm", "Remove the container when it has ended"),
		text("entrypoint", "Run `program` instead of the image's entrypoint"),
		text("workdir w", "Start in `directory` of the container"),
		text("user u", "Run as `user`, a name or a number, or user:group"),
		text("hostname h", "Make `name` the host name inside"),
		many("env e", "Set an environment variable, `NAME=value`; NAME alone takes the value from here"),
		many("env-file", "Read environment variables from `file`"),
		many("label l", "Attach a label, `KEY=value`"),

		many("publish p", "Publish a port: `HOST:CONTAINER`, with ADDRESS: before or /udp behind"),
		text("network", "Connect to a `network`: bridge, none, host or container:NAME (default bridge)"),
		many("add-host", "Add `NAME:ADDRESS` to /etc/hosts"),
		many("dns", "Ask the name server at `address`"),

		many("volume v", "Mount a directory or a volume: `SOURCE:DESTINATION`[:ro]"),
		many("mount", "Mount by `pairs`: type=bind,source=…,destination=…,readonly"),
		many("tmpfs", "Mount memory at `DESTINATION`[:OPTIONS]"),
		toggle("read-only", "Mount the root file system read-only"),

		text("memory m", "Limit memory to `bytes`, such as 64m"),
		text("memory-swap", "Limit memory and swap together to `bytes`; -1 is no limit"),
		text("memory-reservation", "Protect `bytes` of memory when it gets scarce"),
		text("cpus", "Limit to a `number` of processors, such as 1.5"),
		text("cpu-shares c", "Give a `weight` against other containers (default 1024)"),
		text("cpuset-cpus", "Use only the processors of `list`, such as 0-2,4"),
		text("cpuset-mems", "Use only the memory nodes of `list`"),
		text("pids-limit", "Limit to a `number` of processes (default 2048); -1 is no limit"),

		many("cap-add", "Add the capability `name`, or ALL"),
		many("cap-drop", "Drop the capability `name`, or ALL"),
		many("security-opt", "Set an `option`: no-new-privileges"),
		toggle("privileged", "Give every capability and device: the container can then take over the host"),
		toggle("init", "Put a small init in front that reaps orphans and forwards signals"),
		text("stop-signal", "Stop it with `signal` (the image's, or TERM, unless given)"),
		number("stop-timeout", "Wait `seconds` for it to stop before killing it (10 unless given)"),
	}
}

// createOptions reads the flags and the arguments IMAGE [COMMAND [ARG...]].
func createOptions(c *urfave.Context) (engine.CreateOptions, error) {
	o := engine.CreateOptions{
		Image:    c.Args().First(),
		Args:     c.Args().Tail(),
		Name:     c.String("name"),
		User:     c.String("user"),
		Cwd:      c.String("workdir"),
		Hostname: c.String("hostname"),

		Terminal:   c.Bool("tty"),
		Stdin:      c.Bool("interactive"),
		Init:       c.Bool("init"),
		AutoRemove: c.Bool("rm"),

		Privileged: c.Bool("privileged"),
		ReadOnly:   c.Bool("read-only"),
		CapAdd:     c.StringSlice("cap-add"),
		CapDrop:    c.StringSlice("cap-drop"),

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
		func() (err error) {
			o.NoNewPrivileges, err = securityOptions(c.StringSlice("security-opt"))
			return err
		},
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

func securityOptions(options []string) (noNewPrivileges bool, err error) {
	for _, option := range options {
		switch strings.TrimSuffix(option, ":true") {
		case "no-new-privileges", "no-new-privileges=true":
			noNewPrivileges = true
		case "no-new-privileges:false", "no-new-privileges=false":
			noNewPrivileges = false
		default:
			return false, fmt.Errorf("--security-opt %q: only no-new-privileges is known", option)
		}
	}
	return noNewPrivileges, nil
}
