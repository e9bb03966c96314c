package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"

	"github.com/vishvananda/netns"

	namespaces "cooper/stage01-namespaces"
)

// leaseAddress gives the container an address of its bridge's subnet, and keeps
// the bridge from being removed: it stays as long as a lease does.
func leaseAddress(s *Spec) error {
	dir := s.leases()
	if err := os.MkdirAll(string(dir), 0o700); err != nil {
		return fmt.Errorf("make lease directory: %w", err)
	}
	return locked(string(dir), func() error {
		subnet, err := dir.open(s.Network.Subnet, func() ([]netip.Prefix, error) { return hostRoutes(s.Network.bridge()) })
		if err != nil {
			return err
		}
		ip, err := dir.take(s.ID, subnet)
		s.Network.Address = netip.PrefixFrom(ip, subnet.Bits())
		return err
	})
}

// giveAddressBack ends the lease. Whoever is last takes the table and the
// bridge along, unless they are kept. That is decided here and not where the
// bridge was made: of two containers that go at once each would still see the
// other's lease there, and both would leave the bridge behind.
func giveAddressBack(s *Spec) error {
	return existing(s, func(dir leases) error {
		used, err := dir.others(s.ID)
		if err == nil && !used && !s.Network.KeepBridge {
			err = removeNetwork(s.Network.bridge(), dir)
		}
		return errors.Join(err, dir.giveBack(s.ID))
	})
}

// plugBridge makes the bridge if this is its first container.
func plugBridge(s *Spec) error {
	if err := forwardIPv4(); err != nil {
		return err
	}
	return existing(s, func(dir leases) error {
		return ensureBridge(s.Network.bridge(), dir, s.Network.Address.Masked())
	})
}

// makeRules makes the bridge's table if this is its first container.
func makeRules(s *Spec) error {
	return existing(s, func(leases) error {
		return ensureTable(s.Network.bridge(), s.Network.Address.Masked())
	})
}

// existing runs do under the lock of the lease directory; where there is none,
// nothing was ever made.
func existing(s *Spec, do func(dir leases) error) error {
	dir := s.leases()
	err := locked(string(dir), func() error { return do(dir) })
	if errors.Is(err, fs.ErrNotExist) && !exists(string(dir)) {
		return nil
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// layCable makes the veth pair into the network namespace of the process.
func layCable(s *Spec, p *namespaces.Process) error {
	return inNetworkOf(p.Pid, func(ns netns.NsHandle) error {
		return addVeth(vethName(s.ID), s.Network.bridge(), int(ns), peerHardware(s.Network.Address.Addr()))
	})
}

// setAddress configures eth0 of the process's network namespace.
func setAddress(s *Spec, p *namespaces.Process) error {
	err := inNetworkOf(p.Pid, func(ns netns.NsHandle) error {
		return configureEth0(ns, s.Network.Address, gateway(s.Network.Address))
	})
	if err != nil {
		return err
	}
	return activate(vethName(s.ID), s.Network.bridge())
}

// withdraw takes the container's ports back. It asks the lease for the address,
// since the Spec on disk may be older than the lease. Of a Spec that is lost
// only the ID is known, no command and no ports; then the maps are searched.
func withdraw(s *Spec) error {
	ip, held := s.leases().held(s.ID)
	switch {
	case !held:
		return nil
	case len(s.Args) == 0:
		return unpublishAll(s.Network.bridge(), ip)
	case len(s.Network.Ports) == 0:
		return nil
	}
	return errors.Join(unpublish(s.Network.bridge(), s.Network.Ports, ip), forget(s.Network.Ports, ip))
}

// Remove removes a bridge that was kept, and its table, if no container has a
// lease on it. It is for cleaning up; leases is as in Network.
func Remove(leaseDir, bridge string) error {
	s := &Spec{Network: Network{Leases: leaseDir, Bridge: bridge}}
	return existing(s, func(dir leases) error {
		if used, err := dir.others(""); used || err != nil {
			return err
		}
		return removeNetwork(bridge, dir)
	})
}
