package engine

import (
	"fmt"
	"net/netip"
	"strconv"

	"cooper/stage06-network"
)

// inspectNetwork tells where the container is on its networks. What it was
// given it has while it runs.
func (e *Engine) inspectNetwork(c *container, s *network.Spec) InspectNetwork {
	n := InspectNetwork{Ports: map[string][]InspectPort{}, Networks: map[string]InspectEndpoint{}}
	if s.Network.Mode != network.Plugged {
		n.Networks[string(s.Network.Mode)] = InspectEndpoint{}
	}
	for i := range s.Network.Endpoints {
		place := &s.Network.Endpoints[i]
		n.Networks[place.Network] = e.inspectEndpoint(c, s, place)
	}
	if !c.running() {
		return n
	}
	n.SandboxKey = fmt.Sprintf("/proc/%d/ns/net", c.seen.Status.Init.Pid)
	n.Ports = bindings(c.config.Options.Expose, s.Network.Ports)
	if s.Network.On(network.DefaultNetwork) != nil { // the old fields are the default network's
		end := n.Networks[network.DefaultNetwork]
		n.Bridge = s.Network.Networks.Table
		n.IPAddress, n.IPPrefixLen, n.Gateway, n.MacAddress = end.IPAddress, end.IPPrefixLen, end.Gateway, end.MacAddress
		n.GlobalIPv6Address, n.GlobalIPv6PrefixLen, n.IPv6Gateway = end.GlobalIPv6Address, end.GlobalIPv6PrefixLen, end.IPv6Gateway
	}
	return n
}

// networkMode is what --network said, the first one if there were several.
func networkMode(o *CreateOptions, s *network.Spec) string {
	if s.Network.Mode != network.Plugged {
		return string(s.Network.Mode)
	}
	if len(o.Endpoints) > 0 {
		return o.Endpoints[0].Network
	}
	if o.Network != "" && o.Network != "default" {
		return string(o.Network)
	}
	return network.DefaultNetwork
}

func (e *Engine) inspectEndpoint(c *container, s *network.Spec, place *Endpoint) InspectEndpoint {
	end := InspectEndpoint{Aliases: place.Aliases, DNSNames: dnsNames(s, place), GwPriority: place.GatewayPriority}
	if place.IP.IsValid() || place.IP6.IsValid() {
		end.IPAMConfig = &InspectIPAM{addressText(place.IP), addressText(place.IP6)}
	}
	if d, err := e.Network(place.Network); err == nil {
		end.NetworkID = d.ID
	}
	if !c.running() {
		return end
	}
	end.EndpointID = idOf(c.id, place.Network)
	end.Gateway, end.IPAddress, end.IPPrefixLen = addressText(place.Gateway), place.Address.Addr().String(), place.Address.Bits()
	end.MacAddress = place.Hardware().String()
	if place.Address6.IsValid() {
		end.IPv6Gateway, end.GlobalIPv6Address, end.GlobalIPv6PrefixLen = addressText(place.Gateway6), place.Address6.Addr().String(), place.Address6.Bits()
	}
	return end
}

// networkNames are the networks that the container is on.
func networkNames(s *network.Spec) (names []string) {
	if s.Network.Mode != network.Plugged {
		return []string{string(s.Network.Mode)}
	}
	for _, place := range s.Network.Endpoints {
		names = append(names, place.Network)
	}
	return names
}

// dnsNames are those by which others on the network find the container; the
// default network has none.
func dnsNames(s *network.Spec, place *Endpoint) []string {
	if place.Network == network.DefaultNetwork {
		return nil
	}
	names := append([]string{}, s.Network.Names...)
	return append(append(names, place.Aliases...), s.ID[:12])
}

func addressText(ip netip.Addr) string {
	if !ip.IsValid() {
		return ""
	}
	return ip.String()
}

// bindings lists where each of the container's ports is on the host; those only
// exposed are nowhere.
func bindings(exposed []string, ports []Port) map[string][]InspectPort {
	all := map[string][]InspectPort{}
	for _, port := range exposed {
		all[port] = nil
	}
	for _, port := range ports {
		for _, host := range HostSides(port) {
			key := containerSide(port)
			all[key] = append(all[key], InspectPort{HostIP: host.Addr().String(), HostPort: strconv.Itoa(int(host.Port()))})
		}
	}
	return all
}

// HostSides lists where a published port is on the host. One that was given no
// address is on every one, of IPv4 and of IPv6.
func HostSides(p Port) []netip.AddrPort {
	if p.HostIP.IsValid() {
		return []netip.AddrPort{netip.AddrPortFrom(p.HostIP, p.HostPort)}
	}
	return []netip.AddrPort{netip.AddrPortFrom(netip.IPv4Unspecified(), p.HostPort), netip.AddrPortFrom(netip.IPv6Unspecified(), p.HostPort)}
}

// asked writes the ports as they were asked for: "" is any address, any port.
func asked(ports []Port) map[string][]InspectPort {
	all := map[string][]InspectPort{}
	for _, port := range ports {
		at := InspectPort{HostIP: addressText(port.HostIP)}
		if port.HostPort != 0 {
			at.HostPort = strconv.Itoa(int(port.HostPort))
		}
		if port.HostPortLast != 0 {
			at.HostPort += fmt.Sprintf("-%d", port.HostPortLast)
		}
		all[containerSide(port)] = append(all[containerSide(port)], at)
	}
	return all
}

func containerSide(p Port) string { return fmt.Sprintf("%d/%s", p.ContainerPort, p.Protocol) }
