package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cooper/stage05-images"
	"cooper/stage06-network"
)

// ParseExposed reads what --expose takes, PORT[-PORT][/PROTOCOL], and writes
// each of the ports as images do: "80/tcp".
func ParseExposed(text string) ([]string, error) {
	numbers, protocol, given := strings.Cut(text, "/")
	if protocol = strings.ToLower(protocol); !given {
		protocol = network.TCP
	}
	if protocol != network.TCP && protocol != network.UDP && protocol != "sctp" {
		return nil, tell(ErrInvalid, "exposed port %q: use the protocol tcp, udp or sctp", text)
	}
	low, high, isRange := strings.Cut(numbers, "-")
	if !isRange {
		high = low
	}
	first, err := strconv.ParseUint(low, 10, 16)
	if err != nil || first == 0 {
		return nil, tell(ErrInvalid, "exposed port %q: write a number from 1 to 65535, or two as 80-90", text)
	}
	last, err := strconv.ParseUint(high, 10, 16)
	if err != nil || last < first {
		return nil, tell(ErrInvalid, "exposed port %q: the range must end with a number from %d to 65535", text, first)
	}
	var ports []string
	for ; first <= last; first++ {
		ports = append(ports, fmt.Sprintf("%d/%s", first, protocol))
	}
	return ports, nil
}

// expose adds to the exposed ports those of the image and those published, and
// with PublishAll to the published ports those exposed.
func (o *CreateOptions) expose(img *images.Image) error {
	all := map[string]bool{}
	for _, port := range o.Ports {
		all[containerSide(port)] = true
	}
	exposed := o.Expose
	for port := range img.Config.Config.ExposedPorts {
		exposed = append(exposed, port)
	}
	for _, text := range exposed {
		ports, err := ParseExposed(text)
		if err != nil {
			return err
		}
		for _, port := range ports {
			if o.PublishAll && !all[port] {
				open, err := network.ParsePort(port)
				if err != nil {
					return tell(ErrInvalid, "publish all: %s", err)
				}
				o.Ports = append(o.Ports, open...)
			}
			all[port] = true
		}
	}
	o.Expose = nil
	for port := range all {
		o.Expose = append(o.Expose, port)
	}
	slices.SortFunc(o.Expose, byNumber)
	return nil
}

// byNumber orders "80/tcp" before "443/tcp".
func byNumber(a, b string) int {
	if order := cmp.Compare(numberOf(a), numberOf(b)); order != 0 {
		return order
	}
	return cmp.Compare(a, b)
}

func numberOf(port string) int {
	digits, _, _ := strings.Cut(port, "/")
	number, _ := strconv.Atoi(digits)
	return number
}

// published are the ports that are led into the container. The host's network
// has none of its own, and into none leads nothing: there they are dropped, as
// Docker drops them.
func (o *CreateOptions) published() []Port {
	if o.Network == network.Host || o.Network == network.None {
		return nil
	}
	return o.Ports
}
