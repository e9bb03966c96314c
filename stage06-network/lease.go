package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
)

// Who has which address stands in a directory for each bridge, as symbolic
// links, so that `ls -l` shows it:
//
//	lock                                   flock(2) while something changes
//	subnet            -> 10.118.0.0/16     chosen on first use, then kept
//	last              -> 10.118.0.7        where the search begins, a hint
//	4f1c…             -> 10.118.0.7        a container's address
//	10.118.0.7        -> 4f1c…             an address's container
//
// symlink(2) is exclusive creation with its content in one act: there is never
// a file without its text, and the second container to ask for a name gets
// EEXIST. Nothing is synced to the disk: a lease must outlive the process that
// took it, but not a power cut, which ends the container as well.

// ErrNoAddress says that every address of the network is given away.
var ErrNoAddress = errors.New("no available addresses")

// leases is one such directory.
type leases string

func (s *Spec) leases() leases {
	return leases(filepath.Join(s.Network.Leases, s.Network.bridge()))
}

func (dir leases) path(name string) string { return filepath.Join(string(dir), name) }

// open makes the directory and settles the subnet, the one asked for if any.
func (dir leases) open(asked netip.Prefix, routes func() ([]netip.Prefix, error)) (netip.Prefix, error) {
	if subnet, err := dir.subnet(); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return subnet, err
	}
	taken, err := routes()
	if err != nil {
		return netip.Prefix{}, err
	}
	subnet := asked.Masked()
	if !asked.IsValid() {
		if subnet, err = chooseSubnet(taken); err != nil {
			return netip.Prefix{}, err
		}
	} else if route, clash := overlapping(subnet, taken); clash {
		return netip.Prefix{}, fmt.Errorf("subnet %s: the host has a route to %s: choose another", subnet, route)
	}
	return subnet, os.Symlink(subnet.String(), dir.path("subnet"))
}

func (dir leases) subnet() (netip.Prefix, error) {
	text, err := os.Readlink(dir.path("subnet"))
	if err != nil {
		return netip.Prefix{}, err
	}
	subnet, err := netip.ParsePrefix(text)
	if err != nil || !usable(subnet) {
		return netip.Prefix{}, fmt.Errorf("read %s: %q is not an IPv4 network: remove the file", dir.path("subnet"), text)
	}
	return subnet, nil
}

// take gives the container an address, the one it has if it has one already.
//
// The search goes on behind the address given last, so that one just given
// back rests: neighbours and connection tracking may still remember it.
func (dir leases) take(id string, subnet netip.Prefix) (netip.Addr, error) {
	if ip, held := dir.held(id); held {
		return ip, nil
	}
	first, end := gateway(subnet).Next(), broadcast(subnet)
	start := first
	if text, err := os.Readlink(dir.path("last")); err == nil {
		if last, err := netip.ParseAddr(text); err == nil && subnet.Contains(last) && last.Next().Less(end) && first.Less(last.Next()) {
			start = last.Next()
		}
	}
	for ip, wrapped := start, false; !wrapped || ip.Less(start); ip = ip.Next() {
		if ip == end {
			ip, wrapped = first, true
			if ip == start {
				break
			}
		}
		if err := dir.claim(id, ip); !errors.Is(err, fs.ErrExist) {
			return ip, err
		}
	}
	return netip.Addr{}, fmt.Errorf("lease address: %w in %s: remove containers that are no longer needed", ErrNoAddress, subnet)
}

// claim writes both links. The container's comes first: a crash between the two
// leaves an entry that Undo finds by the container's ID.
func (dir leases) claim(id string, ip netip.Addr) error {
	if _, err := os.Readlink(dir.path(ip.String())); err == nil {
		return fs.ErrExist
	}
	_ = os.Remove(dir.path(id))
	if err := os.Symlink(ip.String(), dir.path(id)); err != nil {
		return fmt.Errorf("lease address: %w", err)
	}
	if err := os.Symlink(id, dir.path(ip.String())); err != nil {
		return fmt.Errorf("lease address: %w", err)
	}
	_ = os.Remove(dir.path("last"))
	_ = os.Symlink(ip.String(), dir.path("last"))
	return nil
}

// held returns the address that both links agree on.
func (dir leases) held(id string) (netip.Addr, bool) {
	text, err := os.Readlink(dir.path(id))
	if err != nil {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}, false
	}
	owner, err := os.Readlink(dir.path(text))
	return ip, err == nil && owner == id
}

// giveBack takes the container's entries away, in reverse order. It never
// touches an address that is someone else's by now.
func (dir leases) giveBack(id string) error {
	if ip, held := dir.held(id); held {
		if err := os.Remove(dir.path(ip.String())); err != nil {
			return fmt.Errorf("give address back: %w", err)
		}
	}
	if err := os.Remove(dir.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give address back: %w", err)
	}
	return nil
}

// others reports whether another container than this one has a lease. Five
// names can be the directory's own, so it reads a sixth and no more.
func (dir leases) others(id string) (bool, error) {
	file, err := os.Open(string(dir))
	if err != nil {
		return false, err
	}
	defer file.Close()
	names, _ := file.Readdirnames(6)
	own := map[string]bool{"lock": true, "subnet": true, "last": true, id: true}
	if ip, held := dir.held(id); held {
		own[ip.String()] = true
	}
	for _, name := range names {
		if !own[name] {
			return true, nil
		}
	}
	return false, nil
}
