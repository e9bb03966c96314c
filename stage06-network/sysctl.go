package network

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// setSysctl writes one of the parameters below /proc/sys/net, which are those
// of the writing thread's own network namespace, unless it has that value
// already. A kernel without IPv6 has no parameters of it.
func setSysctl(name, value string) error {
	path := filepath.Join("/proc/sys/net", name)
	now, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && string(bytes.TrimSpace(now)) == value {
		return nil
	}
	if err := os.WriteFile(path, []byte(value), 0); err != nil {
		return fmt.Errorf("set sysctl: %w", err)
	}
	return nil
}

// forward makes the host a router: without it the kernel drops whatever arrives
// on one link and is for another. It is not switched off again, since nobody
// knows who else relies on it by then; see ip-sysctl in the kernel's
// documentation.
func forward(d *Definition) error {
	if err := setSysctl("ipv4/ip_forward", "1"); err != nil || !d.IPv6 {
		return err
	}
	return forwardIPv6()
}

// forwardIPv6 does it for IPv6. A router takes no router's advertisements, so a
// host that has its own address and way out by them would lose both; the links
// that take them now are told to go on (accept_ra 2).
func forwardIPv6() error {
	const forwarding = "ipv6/conf/all/forwarding"
	if now, err := os.ReadFile(filepath.Join("/proc/sys/net", forwarding)); err != nil || string(bytes.TrimSpace(now)) == "1" {
		return nil
	}
	links, err := filepath.Glob("/proc/sys/net/ipv6/conf/*/accept_ra")
	if err != nil {
		return err
	}
	for _, file := range links {
		if now, err := os.ReadFile(file); err != nil || string(bytes.TrimSpace(now)) != "1" {
			continue
		}
		if err := os.WriteFile(file, []byte("2"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("set sysctl: %w", err)
		}
	}
	return setSysctl(forwarding, "1")
}

// settleIPv6 switches IPv6 off for a link whose network has none, or on. Router
// advertisements are refused either way: a link that listens to them can be
// given an address and a route by any neighbour, past all that we know of
// (CVE-2020-13401, CVE-2024-32473). "default" is the links to come.
func settleIPv6(link string, on bool) error {
	disable := "1"
	if on {
		disable = "0"
	}
	return errors.Join(
		setSysctl("ipv6/conf/"+link+"/accept_ra", "0"),
		setSysctl("ipv6/conf/"+link+"/disable_ipv6", disable),
	)
}

// bridgedPassRules reports whether packets from one port of a bridge to another
// pass through the rules for routed ones: the module br_netfilter is loaded, as
// Docker and Kubernetes have it, and switched on.
func bridgedPassRules() bool {
	return slices.ContainsFunc([]string{"iptables", "ip6tables"}, func(which string) bool {
		on, err := os.ReadFile("/proc/sys/net/bridge/bridge-nf-call-" + which)
		return err == nil && string(bytes.TrimSpace(on)) == "1"
	})
}
