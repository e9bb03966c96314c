package shim

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"cooper/stage06-network"
	"cooper/stage07-cli/shim/state"

	"golang.org/x/sys/unix"
)

// rewire follows a change of the container's networks: the engine has made it,
// and written it into the Spec on disk. Our own Spec stays as it is; what is
// undone at the end is looked up in the networks' records.
func (s *supervisor) rewire() error {
	changed := new(network.Spec)
	if err := state.ReadJSON(s.dir(), state.SpecFile, changed); err != nil {
		return err
	}
	if s.proxy != nil {
		s.proxy.Lead(changed.Network.Address())
	}
	if s.spec.Network.HasNames() || !changed.Network.HasNames() {
		return nil
	}
	return s.names.serve(changed, s.process.Pid)
}

// names answers the queries of a container that came to a network with names
// later. One that was on such a network from the start has a step for it.
type names struct {
	lock sync.Mutex
	end  func() error // nil: it isn't served, or not any more
}

// serve begins, if it hasn't begun. The process is our child.
func (n *names) serve(s *network.Spec, pid int) error {
	n.lock.Lock()
	defer n.lock.Unlock()
	if n.end != nil {
		return nil
	}
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	// Looked at after it was opened: a child that isn't reaped has its pid still.
	reaped := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == unix.ECHILD
	if reaped || errors.Is(err, os.ErrNotExist) {
		namespace.Close()
		return nil // it has just ended, and asks no more
	}
	if err != nil {
		return err
	}
	defer namespace.Close()
	n.end, err = network.Resolve(s, namespace)
	return err
}

func (n *names) close() error {
	n.lock.Lock()
	defer n.lock.Unlock()
	if n.end == nil {
		return nil
	}
	return n.end()
}
