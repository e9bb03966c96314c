package trace

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"cooper/stage06-network/resolvconf"
)

// lookUp finds the address as the container would: it may be one already, stand
// in /etc/hosts, or be known to the name servers of /etc/resolv.conf, which are
// asked from the container's network. The report says who knew; where nobody
// does, the address is invalid, and the report is at its end.
func (x *experiment) lookUp(ctx context.Context) (netip.Addr, error) {
	name := x.probe.Host
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip.Is6() && ip.IsLinkLocalUnicast() {
			return ip, fmt.Errorf("%s is an address of each link there is: give one that is known beyond a link", ip)
		}
		return ip.Unmap(), nil
	}
	for _, ip := range x.hosts(name) {
		x.say(Out, inContainer, "name", fmt.Sprintf("%s is %s, says /etc/hosts", name, ip))
		return ip, nil
	}
	file, err := openInRoot(x.probe.Root, "etc/resolv.conf")
	if err != nil {
		return netip.Addr{}, fmt.Errorf("look the name up: %w", err)
	}
	defer file.Close()
	config, err := resolvconf.Read(file)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("look the name up: %w", err)
	}
	return x.askServers(ctx, name, config)
}

// hosts lists the addresses that /etc/hosts has for a name, IPv4 first.
func (x *experiment) hosts(name string) []netip.Addr {
	file, err := openInRoot(x.probe.Root, "etc/hosts")
	if err != nil {
		return nil // then it says nothing
	}
	defer file.Close()
	return parseHosts(file, name)
}

// parseHosts reads hosts(5): an address and its names on each line.
func parseHosts(file io.Reader, name string) (found []netip.Addr) {
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 || !slices.ContainsFunc(fields[1:], func(known string) bool { return strings.EqualFold(known, name) }) {
			continue
		}
		if ip, err := netip.ParseAddr(fields[0]); err == nil {
			found = append(found, ip.Unmap())
		}
	}
	slices.SortStableFunc(found, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return found
}

// openInRoot opens a file of the container. Its links lead nowhere but into its
// own root, and a pipe in a file's place doesn't keep us waiting.
func openInRoot(root, path string) (*os.File, error) {
	if root == "" {
		root = "/"
	}
	dir, err := os.Open(root)
	if err != nil {
		return nil, fmt.Errorf("open the container's root: %w", err)
	}
	defer dir.Close()
	how := &unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY,
		Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(int(dir.Fd()), path, how)
	for tries := 0; (err == unix.EAGAIN || err == unix.EINTR) && tries < 128; tries++ { // someone renames on the way
		fd, err = unix.Openat2(int(dir.Fd()), path, how)
	}
	if err != nil {
		return nil, &os.PathError{Op: "openat2", Path: "/" + path, Err: err}
	}
	file := os.NewFile(uintptr(fd), "/"+path)
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, &os.PathError{Op: "read", Path: "/" + path, Err: unix.EINVAL}
	}
	return file, nil
}
