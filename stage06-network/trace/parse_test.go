package trace

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestATraceMessage(t *testing.T) {
	be := binary.BigEndian
	verdict, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_VERDICT_CODE, Data: be.AppendUint32(nil, 0xfffffffd)}, // NFT_JUMP, -3
		{Type: unix.NFTA_VERDICT_CHAIN, Data: []byte("publish\x00")},
	})
	require.NoError(t, err)
	attributes, err := netlink.MarshalAttributes([]netlink.Attribute{
		{Type: unix.NFTA_TRACE_ID, Data: be.AppendUint32(nil, 7)},
		{Type: unix.NFTA_TRACE_TABLE, Data: []byte("cooper0\x00")},
		{Type: unix.NFTA_TRACE_CHAIN, Data: []byte("prerouting\x00")},
		{Type: unix.NFTA_TRACE_TYPE, Data: be.AppendUint32(nil, unix.NFT_TRACETYPE_RULE)},
		{Type: unix.NFTA_TRACE_RULE_HANDLE, Data: be.AppendUint64(nil, 12)},
		{Type: unix.NFTA_TRACE_VERDICT | unix.NLA_F_NESTED, Data: verdict},
		{Type: unix.NFTA_TRACE_IIF, Data: be.AppendUint32(nil, 3)},
		{Type: unix.NFTA_TRACE_NETWORK_HEADER, Data: []byte{0x45, 0, 0, 60, 0, 0, 0, 0, 64, 6, 0, 0, 10, 118, 0, 2, 192, 0, 2, 1}},
		{Type: unix.NFTA_TRACE_TRANSPORT_HEADER, Data: []byte{0x12, 0x67, 0, 80}},
	})
	require.NoError(t, err)
	e, err := parseEvent(append([]byte{byte(nftables.TableFamilyINet), 0, 0, 0}, attributes...))
	require.NoError(t, err)
	require.Equal(t, event{
		family: nftables.TableFamilyINet, id: 7, table: "cooper0", chain: "prerouting", handle: 12, kind: unix.NFT_TRACETYPE_RULE,
		verdict: expr.VerdictJump, jump: "publish", iif: 3,
		packet: &packet{protocol: unix.IPPROTO_TCP, source: netip.MustParseAddrPort("10.118.0.2:4711"), destination: netip.MustParseAddrPort("192.0.2.1:80")},
	}, e)
}

func TestPackets(t *testing.T) {
	ping := append([]byte{0x60, 0, 0, 0, 0, 8, 58, 64}, make([]byte, 32)...)
	p, ok := parsePacket(ping, []byte{128, 0, 0, 0, 0x12, 0x34, 0, 1})
	require.True(t, ok)
	require.Equal(t, uint16(0x1234), p.source.Port(), "the identifier")
	require.Equal(t, ":: → ::", p.String())
	for _, header := range [][]byte{nil, {0x45}, ping[:39], {0x50, 19: 0}} {
		_, ok := parsePacket(header, nil)
		require.False(t, ok)
	}
}

func TestWhatNATChanged(t *testing.T) {
	before := packet{protocol: unix.IPPROTO_TCP, source: netip.MustParseAddrPort("10.118.0.2:4711"), destination: netip.MustParseAddrPort("198.51.100.1:8080")}
	after := before
	require.Empty(t, change(before, after))
	after.destination = netip.MustParseAddrPort("10.118.0.3:80")
	require.Equal(t, "destination 198.51.100.1:8080 becomes 10.118.0.3:80", change(before, after))
	after.source = netip.MustParseAddrPort("10.118.0.1:4711")
	require.Equal(t, "source 10.118.0.2:4711 becomes 10.118.0.1:4711, destination 198.51.100.1:8080 becomes 10.118.0.3:80", change(before, after))
}

func TestChecksums(t *testing.T) {
	require.Equal(t, uint16(0xf7fe), checksum([]byte{8, 0, 0, 0, 0, 0, 0, 1}))
	require.Equal(t, uint16(0xffff), checksum([]byte{0, 0}))
	require.Equal(t, uint16(0), checksum([]byte{0xff, 0xff, 0xff, 0xff}))
}

// Whatever the kernel may send: nothing of it ends the program.
func FuzzMessages(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 8, 0, 6, 0, 0, 0, 0, 7})
	f.Add([]byte("\x01\x00\x00\x00\b\x00\a\x00\x7f\x00\x00\a")) // a comment that is cut off
	f.Add([]byte{2, 0, 0, 0, 12, 0, 4, 128, 8, 0, 1, 128, 4, 0, 1, 0})
	conn, err := nftables.New()
	require.NoError(f, err)
	all := &catalogue{conn: conn}
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, _ = parseEvent(payload)
		if len(payload) >= 4 {
			if r, err := parseRule(payload); err == nil {
				_ = text(&r, chainName{nftables.TableFamily(payload[0]), "table", "chain"}, all)
			}
		}
		info := append(payload, make([]byte, infoSize)...)[:infoSize]
		_ = ip4tables.parse("filter", info, payload)
		_ = ip6tables.parse("filter", info, payload)
	})
}
