package engine

import (
	"fmt"
	"slices"
	"strings"
)

// ContainerFilter chooses among containers. Each kind of condition must hold,
// and of several values of one kind one, but of labels all.
type ContainerFilter struct {
	filters         filters
	networks        []string // by name
	publish, expose []string // "80/tcp"
}

// ContainerFilter reads the values of `ps --filter`:
//
//	name=PART id=START            of its name, of its ID
//	status=running                or created, paused, exited
//	label=KEY[=VALUE]             has the label
//	network=NAME                  is on that network; its ID will do
//	publish=PORT[-PORT][/udp]     has such a port on the host
//	expose=PORT[-PORT][/udp]      has such a port itself, published or not
func (e *Engine) ContainerFilter(words []string) (*ContainerFilter, error) {
	parsed, err := parseFilters(words, "expose", "id", "label", "name", "network", "publish", "status")
	if err != nil {
		return nil, err
	}
	f := &ContainerFilter{filters: parsed}
	for _, status := range parsed["status"] {
		if !slices.Contains([]string{"created", "running", "paused", "exited", "corrupt"}, status) {
			return nil, tell(ErrInvalid, "filter status=%q: use created, running, paused or exited", status)
		}
	}
	for _, name := range parsed["network"] {
		if d, err := e.Network(name); err == nil {
			name = d.Name
		}
		f.networks = append(f.networks, name) // of one that isn't there there are no containers
	}
	for key, ports := range map[string]*[]string{"publish": &f.publish, "expose": &f.expose} {
		for _, value := range parsed[key] {
			some, err := ParseExposed(value)
			if err != nil {
				return nil, err
			}
			*ports = append(*ports, some...)
		}
	}
	return f, nil
}

// ListsAll reports whether containers that don't run are asked for.
func (f *ContainerFilter) ListsAll() bool { return len(f.filters["status"]) > 0 }

// Chooses reports whether the filter lets a container pass.
func (f *ContainerFilter) Chooses(s *Summary) bool {
	return f.filters.any("name", func(value string) bool { return likes(s.Name, value) }) &&
		f.filters.any("id", func(value string) bool { return strings.HasPrefix(s.ID, value) }) &&
		f.filters.any("status", func(value string) bool { return value == s.State }) &&
		f.filters.labels(s.Labels) &&
		shares(f.networks, s.Networks) && shares(f.publish, hostPorts(s.Ports)) && shares(f.expose, s.Exposed)
}

// shares reports whether one of the wanted is there, or none is wanted.
func shares(wanted, there []string) bool {
	return len(wanted) == 0 || slices.ContainsFunc(there, func(one string) bool { return slices.Contains(wanted, one) })
}

// hostPorts are the host's sides of ports.
func hostPorts(ports []Port) (list []string) {
	for _, port := range ports {
		list = append(list, fmt.Sprintf("%d/%s", port.HostPort, port.Protocol))
	}
	return list
}
