package network

import (
	"fmt"
	"net/netip"
	"os"
	"slices"

	namespaces "cooper/stage01-namespaces"

	"golang.org/x/sys/unix"
)

// Link-local addresses (RFC 3927) which mean something to pasta, and nothing to
// any other machine.
var (
	pastaDNS  = netip.AddrFrom4([4]byte{169, 254, 1, 1}) // the name server that the host asks
	pastaHost = netip.AddrFrom4([4]byte{169, 254, 1, 2}) // the host, whose own address the container has itself
)

// pastaReady is the pipe into which pasta writes its pid when it is ready.
const pastaReady = "pasta.ready"

// pasta connects the container by pasta(1).
func (u *userMode) pasta() []namespaces.Step {
	return []namespaces.Step{{
		Name: "network/pasta",
		Why:  "without root there is no link to the host: pasta reads what eth0 sends, and says it again through sockets of its own",
		Do:   u.startPasta,
		Undo: func() error { return u.end(pastaReady) },
	}}
}

// startPasta takes the file for the pid as the sign: pasta writes it when links,
// routes and ports are there. A FIFO in its place can be waited for.
func (u *userMode) startPasta() error {
	fifo := u.file(pastaReady)
	if err := os.MkdirAll(u.spec.Network.FilesDir, 0o700); err != nil {
		return fmt.Errorf("make directory for the network's files: %w", err)
	}
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		return &os.PathError{Op: "mkfifo", Path: fifo, Err: err}
	}
	defer os.Remove(fifo)
	ready, err := os.OpenFile(fifo, os.O_RDWR|unix.O_NONBLOCK, 0) // reading alone would be at an end before it begins
	if err != nil {
		return err
	}
	return u.start(ready, slices.Concat([]string{"pasta", "--quiet", "--foreground", "--pid", pastaReady,
		"--config-net", "--ns-ifname", "eth0", "--netns", u.namespace("net"), "--userns", u.namespace("user"),
		// The host's loopback is nobody's business: neither by the gateway's
		// address, nor by ports of the container's own.
		"--no-map-gw", "--tcp-ns", "none", "--udp-ns", "none",
		"--dns-forward", pastaDNS.String()},
		u.spec.Network.pastaHost(),
		u.spec.Network.pastaPorts("--tcp-ports", TCP),
		u.spec.Network.pastaPorts("--udp-ports", UDP))...)
}

// pastaHost has the host reached by an address, only for who asks for it:
// programs of 2023 don't know how.
func (n *Network) pastaHost() []string {
	if slices.ContainsFunc(n.Hosts, func(h ExtraHost) bool { return !h.IP.IsValid() }) {
		return []string{"--map-guest-addr", pastaHost.String()}
	}
	return nil
}

// pastaPorts are the ports of one protocol, as pasta reads them:
//
//	--tcp-ports 127.0.0.1/8080:80
//
// Without any it would forward all that the container listens to.
func (n *Network) pastaPorts(flag, protocol string) (args []string) {
	for _, port := range n.Ports {
		if port.Protocol != protocol {
			continue
		}
		spec := fmt.Sprintf("%d:%d", port.HostPort, port.ContainerPort)
		if port.HostIP.IsValid() {
			spec = port.HostIP.String() + "/" + spec
		}
		args = append(args, flag, spec)
	}
	if args == nil {
		args = []string{flag, "none"}
	}
	return args
}
