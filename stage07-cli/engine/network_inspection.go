package engine

import (
	"net/netip"
	"time"

	"cooper/stage06-network"
)

// NetworkInspection is `network inspect`'s answer, with the field names of
// Docker's API.
type NetworkInspection struct {
	Name       string
	ID         string `json:"Id"`
	Created    string // RFC 3339, nanoseconds
	Scope      string // "local"
	Driver     string
	Link       string `json:",omitempty"` // Cooper's own: the bridge, or the host's link that the containers' share
	EnableIPv4 bool
	EnableIPv6 bool
	IPAM       InspectSubnets
	Internal   bool
	Attachable bool // to swarms, of which there are none
	Ingress    bool
	ConfigFrom struct{ Network string }
	ConfigOnly bool
	Containers map[string]InspectPlace // by their IDs
	Options    map[string]string
	Labels     map[string]string
}

// InspectSubnets is what addresses a network has.
type InspectSubnets struct {
	Driver  string // "default"
	Options map[string]string
	Config  []InspectSubnet
}

// InspectSubnet is one range of addresses.
type InspectSubnet struct {
	Subnet             string
	IPRange            string            `json:",omitempty"`
	Gateway            string            `json:",omitempty"`
	AuxiliaryAddresses map[string]string `json:",omitempty"`
}

// InspectPlace is a container on a network.
type InspectPlace struct {
	Name        string
	EndpointID  string
	MacAddress  string
	IPv4Address string // with the length of the subnet's prefix
	IPv6Address string
}

// InspectNetwork tells all about one network, in Docker's shape.
func (e *Engine) InspectNetwork(name string) (*NetworkInspection, error) {
	d, err := e.Network(name)
	if err != nil {
		return nil, err
	}
	in := &NetworkInspection{
		Name: d.Name, ID: d.ID, Created: d.Created.Format(time.RFC3339Nano), Scope: "local", Driver: string(d.Driver), Link: d.Link,
		EnableIPv4: true, EnableIPv6: d.IPv6, Internal: d.Internal,
		IPAM:       InspectSubnets{Driver: "default", Options: map[string]string{}, Config: []InspectSubnet{}},
		Containers: map[string]InspectPlace{}, Options: d.Options, Labels: d.Labels,
	}
	for _, subnet := range d.Subnets {
		in.IPAM.Config = append(in.IPAM.Config, inspectSubnet(subnet))
	}
	if in.Options == nil {
		in.Options = map[string]string{}
	}
	if in.Labels == nil {
		in.Labels = map[string]string{}
	}
	return in, e.inspectPlaces(d, in.Containers)
}

func inspectSubnet(s network.Subnet) InspectSubnet {
	shown := InspectSubnet{Subnet: s.Prefix.String(), Gateway: addressText(s.Gateway)}
	if s.Range.IsValid() {
		shown.IPRange = s.Range.String()
	}
	for name, ip := range s.Reserved {
		if shown.AuxiliaryAddresses == nil {
			shown.AuxiliaryAddresses = map[string]string{}
		}
		shown.AuxiliaryAddresses[name] = ip.String()
	}
	return shown
}

// inspectPlaces lists who is on the network. Those that were, and whose shims
// are dead, are tidied up first.
func (e *Engine) inspectPlaces(d *Network, list map[string]InspectPlace) error {
	if d.Driver == "host" || d.Driver == "null" {
		return e.inspectUnplugged(d, list)
	}
	_ = e.healOn(d.Name) // `cleanup` reports what can't be healed
	places, err := e.Places(d)
	for id, place := range places {
		shown := InspectPlace{Name: place.Name, EndpointID: idOf(id, d.Name)}
		end := e.endpointOn(id, d.Name)
		for _, ip := range place.Addresses {
			if at := within(d, ip); ip.Is4() {
				end.Address, shown.IPv4Address = at, at.String()
			} else {
				shown.IPv6Address = at.String()
			}
		}
		shown.MacAddress = end.Hardware().String()
		list[id] = shown
	}
	return err
}

// within writes an address with the length of the prefix of its subnet.
func within(d *Network, ip netip.Addr) netip.Prefix {
	for _, subnet := range d.Subnets {
		if subnet.Prefix.Contains(ip) {
			return netip.PrefixFrom(ip, subnet.Prefix.Bits())
		}
	}
	return netip.PrefixFrom(ip, ip.BitLen())
}

// endpointOn is what the container asked for of the network.
func (e *Engine) endpointOn(id, name string) Endpoint {
	c, err := e.load(id)
	if err != nil {
		return Endpoint{}
	}
	spec, err := c.spec()
	if err != nil || spec.Network.On(name) == nil {
		return Endpoint{}
	}
	return *spec.Network.On(name)
}

// inspectUnplugged lists who has the host's network, or none.
func (e *Engine) inspectUnplugged(d *Network, list map[string]InspectPlace) error {
	running, err := e.List(false)
	for _, s := range running {
		if len(s.Networks) == 1 && s.Networks[0] == d.Name {
			list[s.ID] = InspectPlace{Name: s.Name, EndpointID: idOf(s.ID, d.Name)}
		}
	}
	return err
}
