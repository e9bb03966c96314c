package network

import (
	"fmt"
	"net"
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
	Mode Mode `json:"mode,omitempty"` // "" is Plugged

	// Networks is where the networks of the engine are recorded, and Endpoints
	// are the container's places in some of them: the first one is eth0.
	Networks  Networks   `json:"networks,omitzero"`
	Endpoints []Endpoint `json:"endpoints,omitempty"`

	// Names are those by which other containers find this one, on every network
	// that has names. Its ID's first 12 digits are one more.
	Names []string `json:"names,omitempty"`

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

// Endpoint is a container's place in one network.
type Endpoint struct {
	Network string `json:"network"` // its name

	// What was asked for, if anything.
	IP      netip.Addr `json:"ip,omitzero"`
	IP6     netip.Addr `json:"ip6,omitzero"`
	MAC     string     `json:"mac,omitempty"`     // as net.ParseMAC reads it
	Aliases []string   `json:"aliases,omitempty"` // more names, on this network only

	// GatewayPriority is how much the container prefers this network as its way
	// out; of those with the most it is the first. It may be negative.
	GatewayPriority int `json:"gatewayPriority,omitempty"`

	// What it was given: network/lease sets these.
	Link     string       `json:"link,omitempty"`    // eth0, eth1, …
	Address  netip.Prefix `json:"address,omitzero"`  // with the length of the subnet's prefix
	Address6 netip.Prefix `json:"address6,omitzero"` // where the network has IPv6
	Gateway  netip.Addr   `json:"gateway,omitzero"`  // the way out; none from an internal network
	Gateway6 netip.Addr   `json:"gateway6,omitzero"`
}

// Mode is the kind of network: Plugged, None, Host, Pasta, Slirp4netns, or
// "container:ID".
type Mode string

const (
	Plugged Mode = ""     // links of its own into the networks of Endpoints
	None    Mode = "none" // loopback alone
	Host    Mode = "host" // the host's network, without any isolation

	// For users without root: a program carries the packets.
	Pasta       Mode = "pasta"
	Slirp4netns Mode = "slirp4netns"
)

// Container returns the ID of "container:ID", or "".
func (m Mode) Container() string {
	id, joins := strings.CutPrefix(string(m), "container:")
	if !joins {
		return ""
	}
	return id
}

// ParseMode reads what --network takes: a mode, or the name of a network.
func ParseMode(flag string) (mode Mode, network string, err error) {
	switch mode := Mode(flag); {
	case flag == "" || flag == "default":
		return Plugged, DefaultNetwork, nil
	case mode == None, mode == Host, mode.isUserMode(), mode.Container() != "":
		return mode, "", nil
	case !isNetworkName(flag):
		return "", "", fmt.Errorf("network %q: use none, host, container:NAME or the name of a network", flag)
	}
	return Plugged, flag, nil
}

// Validate refuses a Spec that can't be connected, before anything is made.
func (s *Spec) Validate() error {
	if err := s.Spec.Validate(); err != nil {
		return err
	}
	n := &s.Network
	if mode, _, err := ParseMode(string(n.Mode)); err != nil || mode != n.Mode {
		return fmt.Errorf("network %q: use none, host or container:NAME", n.Mode)
	}
	if n.Mode != Plugged && len(n.Endpoints) > 0 {
		return fmt.Errorf("network %q: it can't be beside another", n.Mode)
	}
	if n.Mode.isUserMode() {
		if err := s.validateUserMode(); err != nil {
			return err
		}
	} else if n.Mode != Plugged && len(n.Ports) > 0 {
		return fmt.Errorf("publish %s: the network %q has no ports of its own: use --network bridge", n.Ports[0], n.Mode)
	}
	if len(n.Endpoints) > 0 {
		if err := n.Networks.validate(); err != nil {
			return err
		}
	}
	if n.Mode.Container() != "" && n.Joined == 0 {
		return fmt.Errorf("network %q: the container isn't running", n.Mode)
	}
	for i := range n.Endpoints {
		if err := n.Endpoints[i].validate(); err != nil {
			return err
		}
		if n.On(n.Endpoints[i].Network) != &n.Endpoints[i] {
			return fmt.Errorf("network %q is specified multiple times", n.Endpoints[i].Network)
		}
	}
	return s.validateNames()
}

func (e *Endpoint) validate() error {
	if !isNetworkName(e.Network) {
		return fmt.Errorf("network %q: not the name of a network", e.Network)
	}
	if e.MAC != "" {
		if mac, err := net.ParseMAC(e.MAC); err != nil || len(mac) != 6 || mac[0]&1 != 0 {
			return fmt.Errorf("hardware address %q: use six bytes such as 02:00:0a:76:00:02, the first one even", e.MAC)
		}
	}
	for _, alias := range e.Aliases {
		if !isDNSName(strings.ToLower(alias)) {
			return fmt.Errorf("alias %q: use up to 63 letters, digits, dots and dashes", alias)
		}
	}
	return nil
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

// HasNames reports whether the container finds others by name, that is whether
// it is on a network that somebody made.
func (n *Network) HasNames() bool {
	for _, e := range n.Endpoints {
		if e.Network != DefaultNetwork {
			return true
		}
	}
	return false
}
