package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrNoAddress says that every address of the network is given away.
var ErrNoAddress = errors.New("no available addresses")

// lease gives the container a place on the network: an address of each of its
// families, the one that it has if it has one already, and the link's name.
// The caller holds the record's lock.
func (r record) lease(id string, d *Definition, e *Endpoint, names []string) error {
	given, held := r.held(id)
	if !held {
		given = lease{link: e.Link}
	}
	if len(names) > 0 {
		given.name = names[0]
	}
	had := given.addresses
	given.addresses = nil
	for _, subnet := range d.Subnets {
		if i := slices.IndexFunc(had, subnet.Prefix.Contains); i >= 0 {
			given.addresses = append(given.addresses, had[i])
			continue
		}
		asked := e.IP
		if subnet.Prefix.Addr().Is6() {
			asked = e.IP6
		}
		ip, err := r.free(subnet, asked)
		if err != nil {
			return err
		}
		given.addresses = append(given.addresses, ip)
	}
	if err := r.write(id, given); err != nil {
		return fmt.Errorf("lease address: %w", err)
	}
	e.Link = given.link
	e.settle(d, given.addresses)
	return r.addNames(id, given, names)
}

// settle tells the endpoint what it has.
func (e *Endpoint) settle(d *Definition, addresses []netip.Addr) {
	e.Gateway, e.Gateway6 = netip.Addr{}, netip.Addr{}
	for i, ip := range addresses {
		prefix, way := netip.PrefixFrom(ip, d.Subnets[i].Prefix.Bits()), d.Subnets[i].Gateway
		if d.Internal {
			way = netip.Addr{}
		}
		if ip.Is4() {
			e.Address, e.Gateway = prefix, way
		} else {
			e.Address6, e.Gateway6 = prefix, way
		}
	}
}

// free finds an address that nobody has, or checks the one that was asked for.
//
// The search goes on behind the address given last, so that one just given
// back rests: neighbours and connection tracking may still remember it.
func (r record) free(subnet Subnet, asked netip.Addr) (netip.Addr, error) {
	if asked.IsValid() {
		switch {
		case !subnet.Prefix.Contains(asked) || subnet.isEdge(asked):
			return asked, fmt.Errorf("lease address: %s is no address for a container in %s, the network's subnet", asked, subnet.Prefix)
		case subnet.reserved(asked) || exists(r.path(asked.String())):
			return asked, fmt.Errorf("lease address: %s: Address already in use", asked)
		}
		return asked, nil
	}
	first, end := subnet.span()
	start := first
	if text, err := os.Readlink(r.path(subnet.hint())); err == nil {
		if last, err := netip.ParseAddr(text); err == nil && !last.Less(first) && last.Next().Less(end) {
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
		if !subnet.reserved(ip) && !exists(r.path(ip.String())) {
			return ip, r.remember(subnet, ip)
		}
	}
	return netip.Addr{}, fmt.Errorf("lease address: %w in %s: remove containers that are no longer needed", ErrNoAddress, subnet.Prefix)
}

// remember writes down which address was given last.
func (r record) remember(subnet Subnet, ip netip.Addr) error {
	if err := os.Remove(r.path(subnet.hint())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(ip.String(), r.path(subnet.hint()))
}

// write makes the container's entry and those of its addresses. The container's
// comes first: a crash between the two leaves an entry that Undo finds by the
// container's ID.
func (r record) write(id string, l lease) error {
	if err := os.Remove(r.path(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(l.String(), r.path(id)); err != nil {
		return err
	}
	for _, ip := range l.addresses {
		err := os.Symlink(id, r.path(ip.String()))
		if owner, _ := os.Readlink(r.path(ip.String())); err != nil && owner != id {
			return err
		}
	}
	return nil
}

// giveBack takes the container's entries away, in reverse order. It never
// touches an address that is someone else's by now.
func (r record) giveBack(id string) error {
	l, held := r.held(id)
	if !held {
		return nil
	}
	errs := []error{r.removeNames(id)}
	for _, ip := range l.addresses {
		errs = append(errs, os.Remove(r.path(ip.String())))
	}
	if err := errors.Join(append(errs, os.Remove(r.path(id)))...); err != nil {
		return fmt.Errorf("give address back: %w", err)
	}
	return nil
}

// addNames makes the container known by its names, on a network that has any.
func (r record) addNames(id string, l lease, names []string) error {
	if r.name() == DefaultNetwork {
		return nil
	}
	for _, name := range append([]string{id[:12]}, names...) {
		name = strings.ToLower(name)
		if !isDNSName(name) {
			continue // it is too long, or otherwise nothing that anybody could ask for
		}
		if err := os.MkdirAll(r.path("names", name), 0o700); err != nil {
			return fmt.Errorf("add name: %w", err)
		}
		path := r.path("names", name, id)
		if now, err := os.Readlink(path); err == nil && now == l.whom() {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("add name: %w", err)
		}
		if err := os.Symlink(l.whom(), path); err != nil {
			return fmt.Errorf("add name: %w", err)
		}
	}
	return nil
}

// removeNames takes the container out of all names; those that nobody has any
// more go with it.
func (r record) removeNames(id string) error {
	names, err := os.ReadDir(r.path("names"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, name := range names {
		path := r.path("names", name.Name(), id)
		err := unix.Unlink(path) // os.Remove would ask for each of the others' names twice
		if err == unix.ENOENT {
			continue
		}
		if err != nil {
			errs = append(errs, &os.PathError{Op: "unlink", Path: path, Err: err})
		}
		_ = os.Remove(r.path("names", name.Name())) // not empty: others have it too
	}
	return errors.Join(errs...)
}

// isDNSName is what a name must be to be asked for: up to 63 lower-case
// letters, digits and _.- with a letter or digit in front. None of these leads
// out of a directory.
func isDNSName(name string) bool {
	if name == "" || len(name) > 63 || !isLowerAlphanumeric(rune(name[0])) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return !isLowerAlphanumeric(r) && r != '_' && r != '.' && r != '-'
	})
}
