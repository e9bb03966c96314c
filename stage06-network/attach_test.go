package network

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	namespaces "cooper/stage01-namespaces"

	"github.com/stretchr/testify/require"
)

// The ports go where the way out goes.
func TestNetworksComeAndGoWhileTheContainerRuns(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "one"})
	w.network(t, Definition{Name: "two"})
	w.network(t, Definition{Name: "vault", Internal: true})
	c := w.start(t, w.on(t, []string{"vault"}, "8080:80"))
	p, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.pid))
	require.NoError(t, err)
	defer p.Close()
	answer(t, c.place, 80)
	answer(t, w.outside, 7)
	reached := func(want bool, when string) {
		out, err := call(c.place, TCP, outsideIP+":7")
		require.Equal(t, want, err == nil, "%s, out: %v", when, err)
		in, err := call(w.outside, TCP, hostIP+":8080")
		require.Equal(t, want, err == nil, "%s, in: %v", when, err)
		if want {
			require.Equal(t, []string{"hello from " + hostIP, "hello from " + outsideIP}, []string{out, in}, when)
		}
	}
	reached(false, "on an internal network")
	require.NoError(t, Attach(c.spec, p, Endpoint{Network: "one", Aliases: []string{"www"}}))
	reached(true, "connected")
	require.NoError(t, Attach(c.spec, p, Endpoint{Network: "two"}))
	require.Equal(t, []string{"eth0", "eth1", "eth2"}, linksOf(c.spec))
	reached(true, "on three")
	require.ErrorContains(t, Attach(c.spec, p, Endpoint{Network: "two"}), "is on it already")
	require.NoError(t, Detach(c.spec, p, "one"))
	reached(true, "by the other one")
	_, err = os.Lstat(w.networks().record("one").path("names", "www"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, Attach(c.spec, p, Endpoint{Network: "one"}))
	require.Equal(t, []string{"eth0", "eth2", "eth1"}, linksOf(c.spec), "the free name")
	require.NoError(t, Detach(c.spec, p, "two"))
	require.NoError(t, Detach(c.spec, p, "one"))
	reached(false, "disconnected")
	require.ErrorContains(t, Detach(c.spec, p, "one"), "isn't on it")

	missing := new(NotFound)
	before, err := json.Marshal(c.spec)
	require.NoError(t, err)
	require.ErrorAs(t, Attach(c.spec, p, Endpoint{Network: "three"}), &missing)
	after, err := json.Marshal(c.spec)
	require.NoError(t, err)
	require.Equal(t, string(before), string(after), "nothing is left of what failed")
	require.Len(t, linksIn(t, c.place), 2)
}

func TestWhatAContainerAddsToItsHostsFileStays(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "one"})
	w.network(t, Definition{Name: "two"})
	s := w.on(t, []string{"one"})
	s.Hostname, s.Network.FilesDir = "web", t.TempDir()
	c := w.start(t, s)
	p, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", c.pid))
	require.NoError(t, err)
	defer p.Close()
	path := filepath.Join(s.Network.FilesDir, "hosts")
	add := func(text string) {
		file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		require.NoError(t, err)
		_, err = file.WriteString(text)
		require.NoError(t, errors.Join(err, file.Close()))
	}
	has := func(lines string) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, everybodysHosts+lines, string(text))
	}
	require.NoError(t, writeFiles(s, ""))
	has(c.at("one") + "\tweb\n")
	add("192.0.2.1\tdb\n# 192.0.2.2 cache")
	require.NoError(t, Attach(s, p, Endpoint{Network: "two"}))
	two := c.at("two") + "\tweb\n"
	has(c.at("one") + "\tweb\n" + two + "192.0.2.1\tdb\n# 192.0.2.2 cache\n")
	require.NoError(t, Detach(s, p, "two"))
	has(c.at("one") + "\tweb\n192.0.2.1\tdb\n# 192.0.2.2 cache\n")

	add(two) // as a connect leaves it that was killed
	require.NoError(t, Detach(s, p, "one"))
	has("127.0.1.1\tweb\n192.0.2.1\tdb\n# 192.0.2.2 cache\n")
}

func linksOf(s *Spec) (names []string) {
	for _, e := range s.Network.Endpoints {
		names = append(names, e.Link)
	}
	return names
}

func linksIn(t *testing.T, p *place) (names []string) {
	p.do(func() { names = links(t) })
	return names
}

// A kill -9 in the middle of connecting one more network: what stands in the
// records is undone with the rest.
func TestAContainersEndFindsNetworksThatItsSpecDoesntKnow(t *testing.T) {
	w := newWorld(t)
	w.network(t, Definition{Name: "one"})
	for taken := range 8 {
		s := w.bridged(t, "8080:80")
		onDisk := fresh(t, s)
		p := &namespaces.Process{Pid: newPlace(t).pid}
		require.NoError(t, namespaces.Take(Connect(s, p), nil))
		require.NoError(t, Join(s, Endpoint{Network: "one"}))
		c := &cabling{spec: s, process: p, only: "one"}
		require.NoError(t, namespaces.Take(c.plug()[:taken], nil))
		require.NoError(t, namespaces.Undo(Connect(onDisk, &namespaces.Process{})))
		noNetworkLeft(t, s)
	}
}
