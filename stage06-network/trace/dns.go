package trace

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// serverPatience is how long a name server may take.
const serverPatience = 2 * time.Second

// ask asks one server for a name's addresses: IPv4's, and if there are none,
// IPv6's. That there are none is no error.
func (x *experiment) ask(ctx context.Context, server netip.Addr, name string) ([]netip.Addr, error) {
	for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
		addresses, err := x.query(ctx, server, name, kind)
		if err != nil {
			return nil, err
		}
		if len(addresses) > 0 {
			return addresses, nil
		}
	}
	return nil, nil
}

func (x *experiment) query(ctx context.Context, server netip.Addr, name string, kind dnsmessage.Type) ([]netip.Addr, error) {
	question, err := dnsmessage.NewName(name)
	if err != nil {
		return nil, fmt.Errorf("%q is no name: %w", name, err)
	}
	query := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: uint16(rand.N(1 << 16)), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: question, Type: kind, Class: dnsmessage.ClassINET}},
	}
	packed, err := query.Pack()
	if err != nil {
		return nil, fmt.Errorf("%q is no name: %w", name, err)
	}
	var conn net.Conn
	err = inside(x.ns, func() (err error) {
		conn, err = net.Dial("udp", netip.AddrPortFrom(server, 53).String())
		return err
	})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(serverPatience)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(packed); err != nil {
		return nil, err
	}
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return nil, err
		}
		var answer dnsmessage.Message
		if err := answer.Unpack(buffer[:n]); err == nil && answer.ID == query.ID && answer.Response {
			return answered(answer)
		}
	}
}

func answered(message dnsmessage.Message) (addresses []netip.Addr, err error) {
	if message.RCode != dnsmessage.RCodeSuccess && message.RCode != dnsmessage.RCodeNameError {
		return nil, errCode(message.RCode)
	}
	for _, record := range message.Answers {
		switch body := record.Body.(type) {
		case *dnsmessage.AResource:
			addresses = append(addresses, netip.AddrFrom4(body.A))
		case *dnsmessage.AAAAResource:
			addresses = append(addresses, netip.AddrFrom16(body.AAAA))
		}
	}
	return addresses, nil
}

// errCode is a server's answer that it has none to give.
type errCode dnsmessage.RCode

func (e errCode) Error() string {
	switch dnsmessage.RCode(e) {
	case dnsmessage.RCodeFormatError:
		return "FORMERR"
	case dnsmessage.RCodeServerFailure:
		return "SERVFAIL"
	case dnsmessage.RCodeNotImplemented:
		return "NOTIMP"
	case dnsmessage.RCodeRefused:
		return "REFUSED"
	}
	return fmt.Sprintf("with error %d", uint16(e))
}
