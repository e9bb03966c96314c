package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"

	namespaces "cooper/stage01-namespaces"
)

// The addresses in slirp4netns' network, which is the same in each container.
var (
	slirpContainer = netip.AddrFrom4([4]byte{10, 0, 2, 100})
	slirpDNS       = netip.AddrFrom4([4]byte{10, 0, 2, 3})
)

// slirpSocket is where slirp4netns takes orders.
const slirpSocket = "slirp4netns.sock"

// slirpMTU saves work: a packet of 65,520 bytes is one read of the tap link,
// whatever size the host makes of it.
const slirpMTU = "65520"

// slirp4netns connects the container by slirp4netns(1).
func (u *userMode) slirp4netns() []namespaces.Step {
	steps := []namespaces.Step{{
		Name: "network/slirp4netns",
		Why:  "without root there is no link to the host: slirp4netns reads what eth0 sends, and says it again through sockets of its own",
		Do:   u.startSlirp4netns,
		Undo: func() error { return u.end(slirpSocket) },
	}}
	if len(u.spec.Network.Ports) > 0 {
		steps = append(steps, namespaces.Step{
			Name: "network/add_hostfwd",
			Why:  "slirp4netns listens on the published ports when it is asked to, by its socket",
			Do:   u.forwardPorts,
		})
	}
	return steps
}

// startSlirp4netns passes a pipe, into which a byte comes when eth0 is up.
func (u *userMode) startSlirp4netns() error {
	if err := os.MkdirAll(u.spec.Network.FilesDir, 0o700); err != nil {
		return fmt.Errorf("make directory for the network's files: %w", err)
	}
	ready, said, err := os.Pipe()
	if err != nil {
		return err
	}
	defer said.Close()
	u.passed = []*os.File{said}
	args := []string{"slirp4netns", "--configure", "--mtu", slirpMTU,
		// It reads what a container sends, so it shall be able to do little else.
		// (--enable-sandbox is for who is root in some user namespace.)
		"--enable-seccomp", "--disable-host-loopback",
		"--ready-fd", "3", "--netns-type", "path", "--userns-path", u.namespace("user")}
	if len(u.spec.Network.Ports) > 0 {
		args = append(args, "--api-socket", slirpSocket)
	}
	return u.start(ready, append(args, u.namespace("net"), "eth0")...)
}

// A hostfwd asks for one port. Each order is a connection of its own: one JSON
// object there, one back, with "error" in it if it wasn't done.
//
//	{"execute": "add_hostfwd", "arguments": {"proto": "tcp", "host_addr": "127.0.0.1",
//	 "host_port": 8080, "guest_addr": "10.0.2.100", "guest_port": 80}}
type hostfwd struct {
	Protocol      string     `json:"proto"`
	HostIP        netip.Addr `json:"host_addr"`
	HostPort      uint16     `json:"host_port"`
	Container     netip.Addr `json:"guest_addr"`
	ContainerPort uint16     `json:"guest_port"`
}

func (u *userMode) forwardPorts() error {
	defer os.Remove(u.file(slirpSocket)) // there will be no more orders
	for _, port := range u.spec.Network.Ports {
		host := port.HostIP
		if !host.IsValid() {
			host = netip.IPv4Unspecified()
		}
		err := u.order("add_hostfwd", hostfwd{port.Protocol, host, port.HostPort, slirpContainer, port.ContainerPort})
		if err != nil {
			return fmt.Errorf("publish %s: %w", port, err)
		}
	}
	return nil
}

// order has slirp4netns do something. The socket is reached by its directory,
// since a socket's path has at most 107 bytes (see unix(7)).
func (u *userMode) order(what string, arguments any) error {
	dir, err := os.Open(u.spec.Network.FilesDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	conn, err := net.Dial("unix", fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), slirpSocket))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(map[string]any{"execute": what, "arguments": arguments}); err != nil {
		return err
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		return err
	}
	var answer struct {
		Error *struct {
			Description string `json:"desc"`
		} `json:"error"`
	}
	if err := json.NewDecoder(conn).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer.Error != nil {
		return fmt.Errorf("slirp4netns: %s", answer.Error.Description)
	}
	return nil
}
