package network

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// setSysctl writes one of the parameters below /proc/sys/net, which are those
// of the writer's own network namespace, unless it has that value already.
func setSysctl(name, value string) error {
	path := "/proc/sys/net/" + name
	if now, err := os.ReadFile(path); err == nil && string(bytes.TrimSpace(now)) == value {
		return nil
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("set sysctl: %w", err)
	}
	return nil
}

// forwardIPv4 makes the host a router: without it the kernel drops whatever
// arrives on one link and is for another. It is not switched off again, since
// nobody knows who else relies on it by then; see ip-sysctl in the kernel's
// documentation.
func forwardIPv4() error { return setSysctl("ipv4/ip_forward", "1") }

// disableIPv6 switches IPv6 off in the container, on every link but loopback.
// This network has none, and a link that listens to router advertisements can
// be given an address and a route by any neighbour, past all rules for IPv4
// (CVE-2020-13401, CVE-2024-32473).
//
// It runs in the child, because these parameters are those of the writer's own
// network namespace, while the host's /proc is still there to write to.
func disableIPv6() error {
	for _, link := range []string{"default", "eth0"} {
		if err := silenceIPv6(link); err != nil {
			return err
		}
	}
	return nil
}

// silenceIPv6 does so for one link, if there is such a link and the kernel has
// IPv6 at all.
func silenceIPv6(link string) error {
	for _, sysctl := range []struct{ name, value string }{{"accept_ra", "0"}, {"disable_ipv6", "1"}} {
		err := setSysctl("ipv6/conf/"+link+"/"+sysctl.name, sysctl.value)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
