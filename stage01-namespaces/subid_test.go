package namespaces

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSubordinateIDsAreThoseOfTheUserAlone(t *testing.T) {
	for _, c := range []struct {
		file string
		want []IDMapping
		err  string
	}{
		{file: ""},
		{file: "other:100000:65536\n"},
		{file: "other:nonsense\n\n# a comment\n"},
		{file: "cooper:100000:65536\n", want: []IDMapping{{1, 100000, 65536}}},
		{file: "other:1:1\n1000:100000:65536", want: []IDMapping{{1, 100000, 65536}}},
		{file: "cooper:100000:10\n1000:300000:5\n", want: []IDMapping{{1, 100000, 10}, {11, 300000, 5}}},
		{file: "cooper:100000\n", err: "line 1: want NAME:FIRST:COUNT"},
		{file: "\ncooper:x:1\n", err: "line 2: want NAME:FIRST:COUNT"},
		{file: "cooper:1:-1\n", err: "line 1: want NAME:FIRST:COUNT"},
		{file: "cooper:4294967296:1\n", err: "line 1: want NAME:FIRST:COUNT"},
		{file: "cooper:0:65536\n", err: "line 1: lends the host's root"},
		{file: "cooper:1:0\n", err: "line 1: 0 ids from 1 on are none, or too many"},
		{file: "cooper:4294967290:10\n", err: "line 1: 10 ids from 4294967290 on are none, or too many"},
		{file: "cooper:1:4294967294\ncooper:2:1\n", err: "line 2: 1 ids from 2 on are none, or too many"},
	} {
		got, err := parseSubordinates(strings.NewReader(c.file), []string{"1000", "cooper"})
		if c.err != "" {
			require.EqualError(t, err, c.err, "%q", c.file)
			continue
		}
		require.NoError(t, err, "%q", c.file)
		require.Equal(t, c.want, got, "%q", c.file)
	}
}

// S16
func FuzzSubordinateIDsNeverHoldTheHostsRoot(f *testing.F) {
	f.Add("cooper:100000:65536\nother:1:1\n")
	f.Add("cooper:0:1")
	f.Add("cooper:4294967295:4294967295")
	f.Fuzz(func(t *testing.T, file string) {
		mappings, err := parseSubordinates(strings.NewReader(file), []string{"cooper"})
		if err != nil {
			return
		}
		next := uint32(1)
		for _, m := range mappings {
			require.Equal(t, next, m.ContainerID)
			require.NotZero(t, m.HostID)
			require.Greater(t, m.HostID+m.Size, m.HostID, "it wraps around to the host's root")
			next += m.Size
		}
	})
}
