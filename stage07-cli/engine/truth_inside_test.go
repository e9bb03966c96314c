package engine_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What a namespace holds is asked of the kernel from inside it.

// inside runs f on a thread that has joined namespaces of the container's. The
// thread ends with it. It isn't the first one, which stands for the process.
func (s *subject) inside(f func() error, kinds ...string) {
	s.Helper()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != unix.Getpid() {
			failed <- s.joinAnd(f, kinds)
			return // still locked: no good for others
		}
		defer runtime.UnlockOSThread()
		failed <- s.elsewhere(f, kinds)
	}()
	require.NoError(s, <-failed)
}

// elsewhere does it in one more goroutine; whoever calls it holds the first
// thread, so that one gets another.
func (s *subject) elsewhere(f func() error, kinds []string) error {
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		failed <- s.joinAnd(f, kinds)
	}()
	return <-failed
}

func (s *subject) joinAnd(f func() error, kinds []string) error {
	for _, kind := range kinds {
		file, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", s.pid, kind))
		if err != nil {
			return err
		}
		err = unix.Setns(int(file.Fd()), 0)
		file.Close()
		if err != nil {
			return fmt.Errorf("join %s: %w", kind, err)
		}
	}
	return f()
}

func names(s *subject) {
	var name unix.Utsname
	s.inside(func() error { return unix.Uname(&name) }, "uts")
	own := s.in.HostConfig.UTSMode != "host"
	if own {
		s.is("Config.Hostname", s.in.Config.Hostname, unix.ByteSliceToString(name.Nodename[:]))
	} else {
		s.is("Config.Hostname", s.in.Config.Hostname, "")
	}
	if s.in.Config.Domainname != "" {
		s.is("Config.Domainname", s.in.Config.Domainname, unix.ByteSliceToString(name.Domainname[:]))
	}
}

func sysctls(s *subject) {
	for key, value := range s.in.HostConfig.Sysctls {
		var text []byte
		s.inside(func() (err error) {
			text, err = os.ReadFile("/proc/sys/" + strings.ReplaceAll(key, ".", "/"))
			return err
		}, "net", "ipc")
		s.is("Sysctls "+key, value, strings.TrimSpace(string(text)))
	}
}

func interfaces(s *subject) {
	if s.in.HostConfig.NetworkMode == "host" {
		return
	}
	var links []string
	var address string
	s.inside(func() error {
		all, err := net.Interfaces()
		for _, link := range all {
			links = append(links, link.Name)
			if addresses, err := link.Addrs(); err == nil && link.Name != "lo" {
				for _, a := range addresses {
					address = a.String()
				}
			}
		}
		return err
	}, "net")
	links = slices.DeleteFunc(links, func(name string) bool { return name == "lo" })
	told := ""
	if s.in.HostConfig.NetworkMode == "bridge" {
		told = fmt.Sprintf("%s/%d", s.in.NetworkSettings.IPAddress, s.in.NetworkSettings.IPPrefixLen)
		s.is("interfaces", []string{"eth0"}, links)
	} else {
		require.Empty(s, links)
	}
	s.is("NetworkSettings.IPAddress", told, address)
	s.is("SandboxKey", s.in.NetworkSettings.SandboxKey, fmt.Sprintf("/proc/%d/ns/net", s.in.State.Pid))
}
