package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"cooper/stage02-cgroups"
	"cooper/stage07-cli/engine"

	urfave "github.com/urfave/cli/v2"
)

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

		PublishAll: c.Bool("publish-all"),
		ExtraHosts: c.StringSlice("add-host"),
		DNS:        c.StringSlice("dns"),
		DNSSearch:  c.StringSlice("dns-search"),
		DNSOptions: c.StringSlice("dns-option"),
		StopSignal: c.String("stop-signal"),
	}
	if c.IsSet("entrypoint") {
		o.Entrypoint = []string{c.String("entrypoint")}
	}
	if c.IsSet("stop-timeout") {
		seconds := c.Int("stop-timeout")
		o.StopTimeout = &seconds
	}
	if err := readOptions(c, &o); err != nil {
		return o, &usageError{"", err.Error()}
	}
	if len(o.Ports) > 0 && (o.Network == "host" || o.Network == "none") {
		fmt.Fprintf(c.App.ErrWriter, "WARNING: Published ports are discarded when using %s network mode\n", o.Network)
	}
	return o, nil
}

// readOptions reads the flags whose values are more than a word.
func readOptions(c *urfave.Context, o *engine.CreateOptions) error {
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
		func() error { return readNetworks(c, o) },
		func() (err error) { o.Ports, err = parsePorts(c.StringSlice("publish")); return err },
		func() (err error) { o.Expose, err = parseExposed(c.StringSlice("expose")); return err },
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
			return err
		}
	}
	return nil
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
