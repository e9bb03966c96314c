package shim

import (
	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"
)

// rewire follows a change of the container's networks: the engine has made it,
// and written it into the Spec on disk. Our own Spec stays as it is. What is
// undone at the end is looked up in the networks' records.
func (s *supervisor) rewire() error {
	changed := new(network.Spec)
	if err := state.ReadJSON(s.dir(), state.SpecFile, changed); err != nil {
		return err
	}
	if s.proxy != nil {
		s.proxy.Lead(changed.Network.Address())
	}
	return nil
}
