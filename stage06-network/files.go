package network

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	rootfs "cooper/stage03-rootfs"
	"cooper/stage06-network/resolvconf"
)

// The three files that an image can't know. They are mounted over the image's,
// so that its layers stay as they are.
const (
	hostsFile    = "hosts"
	hostnameFile = "hostname"
	resolvFile   = "resolv.conf"
)

// What the host says about names and about name servers, and what stands behind
// the local cache of systemd-resolved, which is on a loopback address.
const (
	hostHosts      = "/etc/hosts"
	hostResolv     = "/etc/resolv.conf"
	upstreamResolv = "/run/systemd/resolve/resolv.conf"
)

// writeFiles writes the files that Configure mounts, /etc/hosts with these lines
// behind the others. A container that joins another's network shares that one's
// files, and writes none.
func writeFiles(s *Spec, added string) error {
	if !s.Network.writes() {
		return nil
	}
	resolver, err := s.Network.resolver()
	if err != nil {
		return err
	}
	names, err := s.hostNames()
	if err != nil {
		return fmt.Errorf("read the host's names: %w", err)
	}
	if err := os.MkdirAll(s.Network.FilesDir, 0o700); err != nil {
		return fmt.Errorf("make directory for the network's files: %w", err)
	}
	return errors.Join(
		writeFile(s, hostsFile, names+added),
		writeFile(s, hostnameFile, s.Hostname+"\n"),
		writeFile(s, resolvFile, resolver.String()),
	)
}

func (n *Network) writes() bool { return n.FilesDir != "" && n.Mode.Container() == "" }

// mountFiles adds the three mounts to the Spec.
func mountFiles(s *Spec) {
	if s.Network.FilesDir == "" {
		return
	}
	for _, name := range []string{hostsFile, hostnameFile, resolvFile} {
		s.Mounts = mountOver(s.Mounts, filepath.Join(s.Network.FilesDir, name), "/etc/"+name)
	}
}

// writeFile makes the file readable to everyone in the container, whatever the
// caller's umask; the directory above keeps the host's other users out.
func writeFile(s *Spec, name, text string) error {
	path := filepath.Join(s.Network.FilesDir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

func removeFiles(s *Spec) error {
	if !s.Network.writes() {
		return nil
	}
	for _, name := range []string{hostsFile, hostnameFile, resolvFile} {
		if err := os.Remove(filepath.Join(s.Network.FilesDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", name, err)
		}
	}
	return nil
}

// mountOver adds a bind mount unless something is mounted there already: what
// the user asked for wins, and to configure a Spec again adds nothing.
func mountOver(mounts []rootfs.Mount, source, destination string) []rootfs.Mount {
	if slices.ContainsFunc(mounts, func(m rootfs.Mount) bool { return filepath.Clean(m.Destination) == destination }) {
		return mounts
	}
	return append(mounts, rootfs.Mount{Type: "bind", Source: source, Destination: destination, Options: []string{"rbind", "rprivate"}})
}

// everybodysHosts begins the file: what is the same in all of them.
const everybodysHosts = "127.0.0.1\tlocalhost\n" +
	"::1\tlocalhost ip6-localhost ip6-loopback\n" +
	"fe00::\tip6-localnet\n" +
	"ff00::\tip6-mcastprefix\n" +
	"ff02::1\tip6-allnodes\n" +
	"ff02::2\tip6-allrouters\n"

// hosts is the text of /etc/hosts; see hosts(5).
func hosts(s *Spec) string {
	var text strings.Builder
	text.WriteString(everybodysHosts)
	if names := s.ownNames(); names != "" {
		for _, ip := range s.Network.ownAddresses() {
			fmt.Fprintf(&text, "%s\t%s\n", ip, names)
		}
	}
	for _, host := range s.Network.Hosts {
		ip := host.IP
		if !ip.IsValid() {
			ip = s.Network.hostSide()
		}
		fmt.Fprintf(&text, "%s\t%s\n", ip, host.Name)
	}
	return text.String()
}

// ownNames are what the container calls itself: the full name if it has one, and
// the bare one.
func (s *Spec) ownNames() string {
	names := s.Hostname
	if names != "" && s.Domainname != "" {
		names += "." + s.Domainname
	}
	if bare, _, isFull := strings.Cut(names, "."); isFull {
		names += " " + bare
	}
	return names
}

// hostNames is hosts for a network of the container's own. On the host's it is
// the host's file, unless the user has lines to add.
func (s *Spec) hostNames() (string, error) {
	if s.Network.Mode != Host || len(s.Network.Hosts) > 0 {
		return hosts(s), nil
	}
	text, err := os.ReadFile(hostHosts)
	if errors.Is(err, fs.ErrNotExist) {
		return hosts(s), nil
	}
	return string(text), err
}

// ownAddresses are those that the container's own name stands for.
func (n *Network) ownAddresses() (ips []netip.Addr) {
	for i := range n.Endpoints {
		if n.Endpoints[i].Address.IsValid() {
			ips = append(ips, n.Endpoints[i].ips()...)
		}
	}
	if own := n.Mode.ownAddress(); own.IsValid() {
		ips = append(ips, own)
	}
	if len(ips) == 0 {
		ips = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 1, 1})}
	}
	return ips
}

// hostSide is where the container finds the host.
func (n *Network) hostSide() netip.Addr {
	if e := n.wayOut(); e != nil {
		return e.Gateway
	}
	if ip := n.Mode.hostSide(); ip.IsValid() {
		return ip
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// resolver reads the host's files. One that is missing says nothing.
func (n *Network) resolver() (resolvconf.File, error) {
	host, err := readResolv(hostResolv)
	if err != nil {
		return resolvconf.File{}, err
	}
	var upstream resolvconf.File
	if len(inside(host.Servers)) == 0 {
		if upstream, err = readResolv(upstreamResolv); err != nil {
			return resolvconf.File{}, err
		}
	}
	return n.adopt(host, upstream), nil
}

func readResolv(path string) (resolvconf.File, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return resolvconf.File{}, nil
	}
	if err != nil {
		return resolvconf.File{}, fmt.Errorf("read name servers: %w", err)
	}
	defer file.Close()
	r, err := resolvconf.Read(file)
	if err != nil {
		return resolvconf.File{}, fmt.Errorf("read %s: %w", path, err)
	}
	return r, nil
}
