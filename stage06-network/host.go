package network

import (
	"fmt"
	"net/netip"
	"strings"
)

// An ExtraHost is one more line of a container's /etc/hosts.
type ExtraHost struct {
	Name string     `json:"name"`
	IP   netip.Addr `json:"ip,omitzero"` // the zero Addr is the host's own side of the network
}

// Gateway, in place of an address, is the host as the container sees it.
const Gateway = "host-gateway"

// ParseHost reads what --add-host takes: NAME:ADDRESS, NAME=ADDRESS, or
// NAME:host-gateway.
func ParseHost(flag string) (ExtraHost, error) {
	i := strings.IndexAny(flag, ":=")
	if i < 0 {
		return ExtraHost{}, fmt.Errorf("extra host %q: write NAME:ADDRESS", flag)
	}
	host := ExtraHost{Name: flag[:i]}
	if text := flag[i+1:]; text != Gateway {
		ip, err := ParseAddress(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
		if err != nil {
			return ExtraHost{}, fmt.Errorf("extra host %q: %w", flag, err)
		}
		host.IP = ip
	}
	return host, host.validate()
}

// ParseAddress reads an IP address as --dns takes it. netip takes nothing but
// an address: no spaces, no line breaks, no octal digits; a zone has no meaning
// in another network.
func ParseAddress(text string) (netip.Addr, error) {
	ip, err := netip.ParseAddr(text)
	if err != nil || ip.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("address %q: not an IP address", text)
	}
	return ip.Unmap(), nil
}

func (h ExtraHost) validate() error {
	if !isName(h.Name) {
		return fmt.Errorf("extra host %q: not a host name", h.Name)
	}
	return nil
}

// ValidateHostname refuses what sethostname(2) would cut off or what would
// break the lines of /etc/hosts: 64 bytes at most, labels of letters, digits,
// dashes and underscores between dots.
func ValidateHostname(name string) error {
	if len(name) > 64 || !isName(name) {
		return fmt.Errorf("host name %q: use up to 64 letters, digits, dashes and dots", name)
	}
	return nil
}

// isName is a little wider than RFC 1123: underscores are in daily use.
func isName(name string) bool {
	if len(name) == 0 || len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

func isLabel(label string) bool {
	if label == "" || len(label) > 63 || label[0] == '-' {
		return false
	}
	return !strings.ContainsFunc(label, func(r rune) bool {
		return !isAlphanumeric(r) && r != '-' && r != '_'
	})
}

// isLinkName keeps to what every tool can print and IFNAMSIZ holds.
func isLinkName(name string) bool {
	return len(name) <= 15 && isLabel(name)
}

func isAlphanumeric(r rune) bool { return isLowerAlphanumeric(r) || r >= 'A' && r <= 'Z' }

func isLowerAlphanumeric(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }

func notGraphic(r rune) bool { return r <= ' ' || r > '~' }
