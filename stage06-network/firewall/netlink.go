package firewall

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// nftables is a socket to nf_tables for looking, see netlink(7) and
// linux/netfilter/nf_tables.h. What is asked is answered before the call that
// sends the question returns, so the calls block and nothing waits.
//
// The rules' expressions are read here and not by google/nftables, which leaves
// out those that it doesn't know: a rule with a condition of such a kind would
// look as though it had none. That package writes for us; see iptables.go.
type nftables struct{ socket int }

func openNftables() (nftables, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nftables{}, fmt.Errorf("open nftables: %w", os.NewSyscallError("socket", err))
	}
	return nftables{socket}, nil
}

func (n nftables) Close() error { return unix.Close(n.socket) }

// get asks for one object by name, and returns the answer's attributes.
func (n nftables) get(kind uint16, family byte, about ...netlink.Attribute) ([]byte, error) {
	answers, err := n.ask(kind, family, 0, about)
	if err == nil && len(answers) != 1 {
		err = fmt.Errorf("%d answers", len(answers))
	}
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// errChanged is a list that is no state the kernel was ever in: somebody has
// changed what it is about between two of its parts.
var errChanged = errors.New("changed while it was read")

// dump asks for a list.
func (n nftables) dump(kind uint16, family byte, about ...netlink.Attribute) (answers [][]byte, err error) {
	for range 10 {
		answers, err = n.ask(kind, family, unix.NLM_F_DUMP, about)
		if !errors.Is(err, errChanged) {
			break
		}
	}
	return answers, err
}

// ask sends one request and reads what comes back. A message is
//
//	length u32 | type u16 | flags u16 | sequence u32 | port u32      struct nlmsghdr
//	family u8 | version u8 | resource u16                           struct nfgenmsg
//	attributes …
func (n nftables) ask(kind uint16, family byte, flags uint16, about []netlink.Attribute) (answers [][]byte, err error) {
	attributes, err := netlink.MarshalAttributes(about)
	if err != nil {
		return nil, err
	}
	const head = unix.SizeofNlMsghdr + 4
	var message bytes.Buffer
	_ = binary.Write(&message, binary.NativeEndian, unix.NlMsghdr{ // to memory, which takes everything
		Len: uint32(head + len(attributes)), Type: unix.NFNL_SUBSYS_NFTABLES<<8 | kind, Flags: unix.NLM_F_REQUEST | flags,
	})
	message.Write([]byte{family, unix.NFNETLINK_V0, 0, 0})
	message.Write(attributes)
	if err := unix.Sendto(n.socket, message.Bytes(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, os.NewSyscallError("sendto", err)
	}
	for changed, more := false, true; more; {
		part, err := n.receive()
		if err != nil {
			return nil, err
		}
		more = flags&unix.NLM_F_DUMP != 0
		for _, m := range part {
			changed = changed || m.Header.Flags&unix.NLM_F_DUMP_INTR != 0
			switch m.Header.Type {
			case unix.NLMSG_DONE, unix.NLMSG_ERROR:
				if err := verdict(m.Data); err != nil {
					return nil, err
				}
				more = false
			default:
				answers = append(answers, m.Data)
			}
		}
		if !more && changed {
			return nil, errChanged
		}
	}
	return answers, nil
}

// receive reads a part of the answer.
func (n nftables) receive() ([]syscall.NetlinkMessage, error) {
	buffer := make([]byte, 1<<16) // a part has 32 KiB at most
	size, _, err := unix.Recvfrom(n.socket, buffer, unix.MSG_TRUNC)
	if err == nil && size > len(buffer) {
		err = unix.EMSGSIZE
	}
	if err != nil {
		return nil, os.NewSyscallError("recvfrom", err)
	}
	return syscall.ParseNetlinkMessage(buffer[:size])
}

// verdict is how a request ended: 0, or a negative errno.
func verdict(data []byte) error {
	if len(data) < 4 {
		return errors.New("an answer without an end")
	}
	if code := int32(binary.NativeEndian.Uint32(data)); code < 0 {
		return unix.Errno(-code)
	}
	return nil
}
