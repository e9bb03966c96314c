package engine

import "cooper/stage06-network"

// validateNetwork refuses what a container can't have of its own that has the
// network of another one.
func (o *CreateOptions) validateNetwork() error {
	if o.Network.Container() == "" {
		return nil
	}
	for _, conflict := range []struct {
		is   bool
		what string
	}{
		{o.Hostname != "", "hostname and the network mode"},
		{len(o.DNS) > 0, "dns and the network mode"},
		{len(o.ExtraHosts) > 0, "custom host-to-IP mapping and the network mode"},
		{len(o.Ports) > 0 || o.PublishAll, "port publishing and the container type network mode"},
		{len(o.Expose) > 0, "port exposing and the container type network mode"},
	} {
		if conflict.is {
			return tell(ErrInvalid, "conflicting options: %s", conflict.what)
		}
	}
	return nil
}

// validatePlace refuses what only networks have that somebody made, and IPv6
// where there is none.
func validatePlace(place *Endpoint, d *Network) error {
	switch {
	case d.Name != network.DefaultNetwork:
		if place.IP6.IsValid() && !d.IPv6 {
			return tell(ErrInvalid, "user specified IP address %s: network %s has no IPv6: make one with --ipv6", place.IP6, d.Name)
		}
	case len(place.Aliases) > 0:
		return tell(ErrInvalid, "network-scoped aliases are only supported for user-defined networks")
	case place.IP.IsValid() || place.IP6.IsValid():
		return tell(ErrInvalid, "user specified IP address is supported on user defined networks only")
	}
	return nil
}
