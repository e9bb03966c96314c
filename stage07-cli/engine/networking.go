package engine

import (
	"errors"
	"path/filepath"
	"slices"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
)

// networks is where the engine's networks are. A bridge stays when its last
// container goes, for the next one to find; Cleanup removes it.
func (e *Engine) networks() network.Networks {
	return network.Networks{Dir: filepath.Join(e.Root, "networks"), Table: network.TableFor(e.Root), Keep: true}
}

// networkOf settles the network and the names.
func (e *Engine) networkOf(s *network.Spec, o *CreateOptions) (err error) {
	if s.Network.Mode, s.Network.Endpoints, err = e.places(o); err != nil {
		return err
	}
	s.Network.Ports = o.published()
	if s.Network.Mode.Container() != "" {
		s.Network.FilesDir = "" // the other one's, which is looked up at each start
	}
	for _, host := range o.ExtraHosts {
		parsed, err := network.ParseHost(host)
		if err != nil {
			return tell(ErrInvalid, "%s", err)
		}
		s.Network.Hosts = append(s.Network.Hosts, parsed)
	}
	for _, server := range o.DNS {
		address, err := network.ParseAddress(server)
		if err != nil {
			return tell(ErrInvalid, "%s", err)
		}
		s.Network.DNS = append(s.Network.DNS, address)
	}
	s.Network.DNSSearch, s.Network.DNSOptions = o.DNSSearch, o.DNSOptions
	s.Hostname, s.Domainname = o.Hostname, o.Domainname
	if s.Hostname == "" && s.Network.Mode.Container() == "" && s.IsNew(namespaces.UTS) {
		s.Hostname = s.ID[:12]
		if s.Network.Mode == network.Host {
			s.Hostname = hostName() // under which others know this network
		}
	}
	network.Configure(s)
	return nil
}

// places finds the networks that the container is to be on.
func (e *Engine) places(o *CreateOptions) (network.Mode, []network.Endpoint, error) {
	mode, name, err := network.ParseMode(string(o.Network))
	if err != nil {
		return "", nil, tell(ErrInvalid, "%s", err)
	}
	endpoints := slices.Clone(o.Endpoints)
	if mode == network.Plugged && len(endpoints) == 0 {
		endpoints = []network.Endpoint{{Network: name}}
	}
	for i := range endpoints {
		place := &endpoints[i]
		d := &Network{Name: network.DefaultNetwork} // of which no more need be known
		if place.Network != d.Name {
			if d, err = e.Network(place.Network); err != nil {
				return "", nil, err
			}
		}
		if err := validatePlace(place, d); err != nil {
			return "", nil, err
		}
		if slices.ContainsFunc(endpoints[:i], func(other Endpoint) bool { return other.Network == d.Name }) {
			return "", nil, tell(ErrInvalid, "network %q is specified multiple times", d.Name)
		}
		place.Network = d.Name
	}
	return mode, endpoints, nil
}

// makeRoom takes back what dead containers hold of what this one needs: the
// addresses, names and ports that it asks for, and any address of a network
// that is full. A reboot ends containers without a word, and so does kill -9 of
// a shim; whatever else they hold waits for the next command that looks.
func (e *Engine) makeRoom(s *network.Spec) error {
	holders, err := s.Holders()
	errs := []error{err, e.healAll(slices.Values(holders))}
	for _, place := range s.Network.Endpoints {
		if e.networks().Full(place.Network) {
			errs = append(errs, e.healOn(place.Network))
		}
	}
	return errors.Join(errs...)
}
