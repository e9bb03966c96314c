package resolver

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// Who is on a network stands in its directory, as symbolic links. Here are the
// ones that answer a query:
//
//	names/web/4f1c…  -> "10.118.0.7 fd12::7 web"     a name, and who has it: several may
//	names/web/9b02…  -> "10.118.0.9 fd12::9 shop-web-2"
//	4f1c…            -> "10.118.0.7 fd12::7 web"     a container's addresses there, then its name
//	10.118.0.7       -> 4f1c…                        whose an address is
//
// A link is there with its text or not at all, so reading needs no lock.

// addressesOf returns those addresses of a name that are wanted, and whether
// the name is anybody's on one of the networks. "web" is web on any of them,
// "web.mynet" web on the network mynet; what is a whole name comes first, for a
// name can have dots.
func addressesOf(networks []Network, name string, wanted func(netip.Addr) bool) (addresses []netip.Addr, known bool, err error) {
	ask := func(network Network, name string) error {
		found, exists, err := network.addresses(name)
		known = known || exists
		for _, ip := range found {
			if wanted(ip) {
				addresses = append(addresses, ip)
			}
		}
		return err
	}
	for _, network := range networks {
		if err := ask(network, name); err != nil || len(addresses) > 0 {
			return addresses, known, err
		}
	}
	for _, network := range networks {
		local, ok := strings.CutSuffix(name, "."+strings.ToLower(network.Name))
		if !ok {
			continue
		}
		if err := ask(network, local); err != nil || len(addresses) > 0 {
			return addresses, known, err
		}
	}
	return addresses, known, nil
}

// addresses reads who has a name on this network.
func (n Network) addresses(name string) (addresses []netip.Addr, known bool, err error) {
	if !isName(name) {
		return nil, false, nil
	}
	dir := filepath.Join(n.Dir, "names", name)
	holders, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	for _, holder := range holders {
		text, err := os.Readlink(filepath.Join(dir, holder.Name()))
		if err != nil { // it has left since
			continue
		}
		known = true
		addresses = append(addresses, addressesIn(text)...)
	}
	return addresses, known, nil
}

// addressesIn takes the addresses out of a link's text.
func addressesIn(text string) (addresses []netip.Addr) {
	fields := strings.Fields(text)
	for _, field := range fields[:max(len(fields)-1, 0)] { // the last is the name
		if ip, err := netip.ParseAddr(field); err == nil {
			addresses = append(addresses, ip)
		}
	}
	return addresses
}

// holder returns the name of the container that has an address on this network.
func (n Network) holder(ip netip.Addr) (name string, known bool, err error) {
	id, err := os.Readlink(filepath.Join(n.Dir, ip.String()))
	var text string
	if err == nil {
		text, err = os.Readlink(filepath.Join(n.Dir, filepath.Base(id)))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	_, name, ok := cutLast(text)
	return name, ok, nil
}

func cutLast(text string) (before, last string, found bool) {
	i := strings.LastIndexByte(text, ' ')
	return text[:max(i, 0)], text[i+1:], i >= 0
}

// isName reports whether a name may become part of a path, and be anybody's:
// [a-z0-9][a-z0-9_.-]{0,62}. So there is no way up and none out.
func isName(name string) bool {
	if len(name) == 0 || len(name) > 63 || strings.IndexByte("_.-", name[0]) >= 0 {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("_.-", c) < 0 {
			return false
		}
	}
	return true
}

// lower returns a name without its last dot and with small letters, of which
// DNS has those of ASCII: strings.ToLower would make "k" of the Kelvin sign.
func lower(name dnsmessage.Name) string {
	text := []byte(strings.TrimSuffix(name.String(), "."))
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			text[i] = c + 'a' - 'A'
		}
	}
	return string(text)
}
