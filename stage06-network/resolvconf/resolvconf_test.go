package resolvconf

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T, text string) File {
	f, err := Read(strings.NewReader(text))
	require.NoError(t, err)
	return f
}

func TestWhatCountsInTheFile(t *testing.T) {
	f := read(t, "# nameserver 192.0.2.9\nnameserver 192.0.2.53\nnameserver fd00::53\nnameserver nobody\ndomain a.test\nsearch b.test c.test\noptions edns0\noptions ndots:2 rotate\nsortlist\n")
	require.Equal(t, File{
		Servers: []netip.Addr{netip.MustParseAddr("192.0.2.53"), netip.MustParseAddr("fd00::53")},
		Search:  []string{"b.test", "c.test"},
		Options: []string{"edns0", "ndots:2", "rotate"},
	}, f)
	require.Equal(t, "nameserver 192.0.2.53\nnameserver fd00::53\nsearch b.test c.test\noptions edns0 ndots:2 rotate\n", f.String())
	require.Equal(t, f, read(t, f.String()))
}

func TestSearchDomainsComeBeforeAShortName(t *testing.T) {
	f := read(t, "search a.test b.test.\noptions ndots:2 edns0\n")
	require.Equal(t, []string{"web.a.test.", "web.b.test.", "web."}, f.Candidates("web"))
	require.Equal(t, []string{"www.example.org.", "www.example.org.a.test.", "www.example.org.b.test."}, f.Candidates("www.example.org"))
	require.Equal(t, []string{"web."}, f.Candidates("web."))
	require.Equal(t, []string{"web."}, read(t, "search .\n").Candidates("web"), "systemd-resolved writes so where there are no domains")
	require.Equal(t, []string{"web.", "web.a.test."}, read(t, "search a.test\noptions ndots:0\n").Candidates("web"))
}
