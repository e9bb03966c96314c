package trace

import (
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// tap is our table in one network namespace. As `nft list ruleset` prints it
// while a trace is on:
//
//	table inet cooper-trace-k3vq7mza {
//		flags owner
//		chain prerouting_first {
//			type filter hook prerouting priority -2147483648; policy accept;
//			ip saddr 10.118.0.2 ip daddr 192.0.2.7 … meta nftrace set 1
//		}
//		chain prerouting_tracked {
//			type filter hook prerouting priority -199; policy accept;
//			ct direction reply ct original … meta nftrace set 1
//		}
//		chain prerouting_last {
//			type filter hook prerouting priority 2147483647; policy accept;
//		}
//		…
//	}
//
// and so on for input, forward, output and postrouting. Answers can be told
// only after connection tracking, which is at priority -200, has looked at them.
//
// The same table of family bridge sees the frames that are switched from cable
// to cable. There is no connection tracking in it: nobody translates there.
type tap struct {
	table string
	conn  *nftables.Conn // owns the table: it goes when this is closed
	rules *catalogue
}

// tablePrefix begins the table's name; the rest is drawn, since several traces
// may be on at once.
const tablePrefix = "cooper-trace-"

// Where a chain of ours is: at the first place of a hook, just after connection
// tracking, and at the last.
const (
	placeFirst, priorityFirst     = "_first", math.MinInt32
	placeTracked, priorityTracked = "_tracked", -199
	placeLast, priorityLast       = "_last", math.MaxInt32
)

// hooks are those of the families inet and bridge, which number them alike.
var hooks = []string{prerouting: "prerouting", input: "input", forward: "forward", output: "output", postrouting: "postrouting"}

const (
	prerouting, input, forward, output, postrouting = unix.NF_INET_PRE_ROUTING, unix.NF_INET_LOCAL_IN, unix.NF_INET_FORWARD, unix.NF_INET_LOCAL_OUT, unix.NF_INET_POST_ROUTING
)

// openTap makes the tables; ns is nil for the caller's own namespace. tracked
// says whether answers may be translated there.
func openTap(ns *os.File, f flow, tracked bool) (*tap, error) {
	t := &tap{table: tablePrefix + strings.ToLower(rand.Text()[:8])}
	var err error
	var owner *netlink.Conn
	families := []nftables.TableFamily{nftables.TableFamilyINet, nftables.TableFamilyBridge}
	t.conn, err = nftables.New(nftables.AsLasting(), inNamespace(ns), nftables.WithSockOptions(func(socket *netlink.Conn) error {
		owner = socket
		families, err = ownTables(socket, t.table, families)
		return err
	}))
	if err != nil {
		return nil, fmt.Errorf("make a table for tracing: %w", err)
	}
	if t.rules, err = readCatalogue(t.conn, owner); err != nil {
		return nil, errors.Join(err, t.close())
	}
	for _, family := range families {
		t.addChains(&nftables.Table{Name: t.table, Family: family}, f, tracked && family == nftables.TableFamilyINet)
	}
	if err := t.conn.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("make chains for tracing: %w", err), t.close())
	}
	return t, nil
}

func inNamespace(ns *os.File) nftables.ConnOption {
	if ns == nil {
		return func(*nftables.Conn) {}
	}
	return nftables.WithNetNSFd(int(ns.Fd()))
}

func (t *tap) addChains(table *nftables.Table, f flow, tracked bool) {
	for number, hook := range hooks {
		for _, place := range []struct {
			name     string
			priority nftables.ChainPriority
		}{{placeFirst, priorityFirst}, {placeTracked, priorityTracked}, {placeLast, priorityLast}} {
			sees := number == prerouting || number == output // where packets enter
			if place.name == placeTracked && !(sees && tracked) {
				continue
			}
			at := nftables.ChainHook(number)
			chain := t.conn.AddChain(&nftables.Chain{Name: hook + place.name, Table: table, Type: nftables.ChainTypeFilter, Hooknum: &at, Priority: &place.priority})
			switch {
			case sees && place.name == placeFirst:
				t.mark(chain, f.first(false))
				t.mark(chain, f.first(true))
				t.mark(chain, f.complaint())
			case place.name == placeTracked:
				t.mark(chain, f.answer())
			}
		}
	}
}

// mark adds a rule that has the packets reported from here on: meta nftrace set 1.
func (t *tap) mark(chain *nftables.Chain, which []expr.Any) {
	t.conn.AddRule(&nftables.Rule{Table: chain.Table, Chain: chain, Exprs: slices.Concat(which, []expr.Any{
		&expr.Immediate{Register: reg, Data: []byte{1}},
		&expr.Meta{Key: expr.MetaKeyNFTRACE, SourceRegister: true, Register: reg},
	})})
}

// close removes the tables: the kernel does, with their owner.
func (t *tap) close() error { return t.conn.CloseLasting() }

// flagOwner is NFT_TABLE_F_OWNER, Linux 5.12: nobody but the socket that made
// the table may change it, and it is removed when that socket closes.
const flagOwner = 2

// ownTables makes the tables that the socket owns, in one transaction each, and
// returns the families that the kernel has. Only inet must be there.
func ownTables(socket *netlink.Conn, name string, families []nftables.TableFamily) (made []nftables.TableFamily, err error) {
	for _, family := range families {
		err := ownTable(socket, name, family)
		switch {
		case err == nil:
			made = append(made, family)
		case family == nftables.TableFamilyINet:
			return nil, err
		case !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EAFNOSUPPORT):
			return nil, err
		}
	}
	return made, nil
}

func ownTable(socket *netlink.Conn, name string, family nftables.TableFamily) error {
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TABLE_NAME, Data: append([]byte(name), 0)},
		{Type: unix.NFTA_TABLE_FLAGS, Data: []byte{0, 0, 0, flagOwner}},
	})
	if err != nil {
		return err
	}
	// A batch is begun and ended by messages to the subsystem, in struct
	// nfgenmsg: family, version, and a number in network order.
	boundary := []byte{unix.AF_UNSPEC, unix.NFNETLINK_V0, 0, unix.NFNL_SUBSYS_NFTABLES}
	newTable := netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_NEWTABLE)
	_, err = socket.SendMessages([]netlink.Message{
		{Header: netlink.Header{Type: unix.NFNL_MSG_BATCH_BEGIN, Flags: netlink.Request}, Data: boundary},
		{Header: netlink.Header{Type: newTable, Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl},
			Data: append([]byte{byte(family), unix.NFNETLINK_V0, 0, 0}, attributes...)},
		{Header: netlink.Header{Type: unix.NFNL_MSG_BATCH_END, Flags: netlink.Request}, Data: boundary},
	})
	if err != nil {
		return err
	}
	_, err = socket.Receive()
	return err
}
