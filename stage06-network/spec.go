package network

import (
	"fmt"
	"net/netip"
	"strings"

	images "cooper/stage05-images"
)

// Spec is what this stage must know of a container, on top of stage 5.
type Spec struct {
	images.Spec
	Network Network `json:"network"`
}

// Network says how the container reaches the world, and the world it.
type Network struct {
	Mode Mode `json:"mode,omitempty"` // "" is Bridge

	// Bridge is the host's bridge that the container is plugged into, and the
	// name of its nftables table; "" is DefaultBridge.
	Bridge string `json:"bridge,omitempty"`

	// KeepBridge leaves the bridge and its table when the last container goes:
	// making them anew costs the next one 3 ms, and removing them this one 40 ms.
	KeepBridge bool `json:"keepBridge,omitempty"`

	// Subnet is asked for when the bridge is first used; without it one is
	// chosen that no route of the host overlaps. What was chosen is recorded in
	// Leases, and stays.
	Subnet netip.Prefix `json:"subnet,omitzero"`

	// Leases is a directory of the host that holds, for each bridge, who has
	// which address. One bridge belongs to one such directory.
	Leases string `json:"leases,omitempty"`

	// Address is the container's, with the length of the subnet's prefix; set by
	// network/lease.
	Address netip.Prefix `json:"address,omitzero"`

	Ports []Port `json:"ports,omitempty"`

	// Hosts are more lines for /etc/hosts; the DNS fields replace what the
	// container would take over from the host's /etc/resolv.conf.
	Hosts      []ExtraHost  `json:"extraHosts,omitempty"`
	DNS        []netip.Addr `json:"dns,omitempty"`
	DNSSearch  []string     `json:"dnsSearch,omitempty"`
	DNSOptions []string     `json:"dnsOptions,omitempty"`

	// Joined is the pid of a process whose network is shared, as the engine
	// resolved it from the Mode "container:ID".
	Joined int `json:"joined,omitempty"`

	// FilesDir is the container's own directory on the host for the files hosts,
	// hostname and resolv.conf; of a container that joins another it is that
	// one's. "" leaves the image's files alone.
	FilesDir string `json:"filesDir,omitempty"`
}

// DefaultBridge is the bridge of the engine's usual state directory.
const DefaultBridge = "cooper0"

// Mode is the kind of network: Bridge, None, Host, or "container:ID".
type Mode string

const (
	Bridge Mode = "bridge" // an address of its own behind the host's
	None   Mode = "none"   // loopback alone
	Host   Mode = "host"   // the host's network, without any isolation
)

// Container returns the ID of "container:ID", or "".
func (m Mode) Container() string {
	id, joins := strings.CutPrefix(string(m), "container:")
	if !joins {
		return ""
	}
	return id
}

// ParseMode reads what --network takes.
func ParseMode(flag string) (Mode, error) {
	switch mode := Mode(flag); {
	case mode == "" || mode == "default":
		return Bridge, nil
	case mode == Bridge, mode == None, mode == Host, mode.Container() != "":
		return mode, nil
	}
	return "", fmt.Errorf("network %q: use bridge, none, host or container:NAME", flag)
}

// Validate refuses a Spec that can't be connected, before anything is made.
func (s *Spec) Validate() error {
	if err := s.Spec.Validate(); err != nil {
		return err
	}
	n := &s.Network
	if _, err := ParseMode(string(n.Mode)); err != nil {
		return err
	}
	if len(n.Ports) > 0 && n.mode() != Bridge {
		return fmt.Errorf("publish %s: the network %q has no ports of its own: use --network bridge", n.Ports[0], n.Mode)
	}
	if n.mode() == Bridge && n.Leases == "" {
		return fmt.Errorf("network bridge: no directory given for the leases")
	}
	if n.Mode.Container() != "" && n.Joined == 0 {
		return fmt.Errorf("network %q: the container isn't running", n.Mode)
	}
	if n.Subnet.IsValid() && !usable(n.Subnet) {
		return fmt.Errorf("subnet %s: use an IPv4 network of /30 or larger", n.Subnet)
	}
	if n.Bridge != "" && !isLinkName(n.Bridge) {
		return fmt.Errorf("bridge %q: use up to 15 letters, digits and dashes", n.Bridge)
	}
	return s.validateNames()
}

// validateNames keeps line breaks out of the files that are written from names.
func (s *Spec) validateNames() error {
	if s.Hostname != "" {
		if err := ValidateHostname(s.Hostname); err != nil {
			return err
		}
	}
	for _, host := range s.Network.Hosts {
		if err := host.validate(); err != nil {
			return err
		}
	}
	for _, domain := range s.Network.DNSSearch {
		if domain != "." && !isName(domain) {
			return fmt.Errorf("search domain %q: not a domain name", domain)
		}
	}
	for _, option := range s.Network.DNSOptions {
		if strings.ContainsFunc(option, notGraphic) || option == "" {
			return fmt.Errorf("resolver option %q: use one word of resolv.conf(5), such as ndots:2", option)
		}
	}
	return nil
}

func (n *Network) mode() Mode {
	if n.Mode == "" {
		return Bridge
	}
	return n.Mode
}

func (n *Network) bridge() string {
	if n.Bridge == "" {
		return DefaultBridge
	}
	return n.Bridge
}
