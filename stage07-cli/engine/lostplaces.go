package engine

import (
	"errors"
	"io/fs"
	"math"
	"strings"

	"cooper/stage06-network"
)

// Places on networks of which only the networks' own records know.

// recall adds to the Spec what it doesn't know: a place of the container's that
// a connect has made which was killed before it wrote that down. It may have
// become the way out by then; whoever takes it as one gives that to the next.
func (e *Engine) recall(s *network.Spec, d *Network) (half bool, err error) {
	if s.Network.On(d.Name) != nil {
		return false, nil
	}
	places, err := e.Places(d)
	place, half := places[s.ID]
	if !half {
		return false, err
	}
	end := Endpoint{Network: d.Name, Link: place.Link, GatewayPriority: math.MaxInt}
	for _, subnet := range d.Subnets {
		switch {
		case d.Internal:
		case subnet.Gateway.Is4():
			end.Gateway = subnet.Gateway
		default:
			end.Gateway6 = subnet.Gateway
		}
	}
	s.Network.Endpoints = append(s.Network.Endpoints, end)
	return true, err
}

// disconnectGone gives back what a container has whose record is lost.
func (e *Engine) disconnectGone(name, from string) error {
	d, err := e.Network(from)
	if err != nil {
		return err
	}
	places, err := e.Places(d)
	for id, place := range places {
		if place.Name != name && (name == "" || !strings.HasPrefix(id, name)) {
			continue
		}
		if _, err := e.load(id); errors.Is(err, fs.ErrNotExist) && !e.BeingMade(id) {
			return e.undoLoose(id)
		}
	}
	return errors.Join(err, tell(ErrNotFound, "endpoint %s not found", quoted(name)))
}
