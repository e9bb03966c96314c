package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cooper/stage01-namespaces/notrace"
)

// stage06 runs the program with a state directory, and returns what it prints.
func stage06(root string, args ...string) (string, error) {
	var out strings.Builder
	program := app()
	program.Writer = &out
	err := program.Run(append([]string{"stage06", "--root", root}, args...))
	return out.String(), err
}

func TestNetworksAreMadeListedAndRemoved(t *testing.T) {
	root := t.TempDir()
	id, err := stage06(root, "network", "create", "--subnet", "10.99.0.0/24", "--subnet", "fd99::/64", "--internal", "back")
	require.NoError(t, err)
	require.Regexp(t, `^[0-9a-f]{64}\n$`, id)
	listed, err := stage06(root, "network", "ls")
	require.NoError(t, err)
	require.Regexp(t, `^back +bridge +cooper-[0-9a-f]{8} +10\.99\.0\.0/24 fd99::/64 *\n$`, listed)
	_, err = stage06(root, "network", "create", "back")
	require.ErrorContains(t, err, "network with name back already exists")
	_, err = stage06(root, "network", "rm", "back")
	require.NoError(t, err)
	listed, err = stage06(root, "network", "ls")
	require.NoError(t, err)
	require.Empty(t, listed)
}

func TestAWrongFlagIsRefusedBeforeAnythingIsMade(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	root := t.TempDir()
	for reason, args := range map[string][]string{
		`subnet "10.99.0.0": write an address and a length`: {"network", "create", "--subnet", "10.99.0.0", "back"},
		`option "mtu": write KEY=VALUE`:                     {"network", "create", "--opt", "mtu", "back"},
		`network driver "overlay": use bridge`:              {"network", "create", "--driver", "overlay", "back"},
		"network back not found":                            {"network", "rm", "back"},
		`network "none": it can't be beside another`:        {"plan", "--rootfs", root, "--network", "none", "--network", "back", "true"},
		`network "host": it can't be beside another`:        {"plan", "--rootfs", root, "--network", "back", "--network", "host", "true"},
		`network "back" is specified multiple times`:        {"plan", "--rootfs", root, "--network", "back", "--network", "back", "true"},
		"container port: ":                                  {"plan", "--rootfs", root, "--publish", "8080:x", "true"},
	} {
		_, err := stage06(root, args...)
		require.ErrorContains(t, err, reason)
	}
	listed, err := stage06(root, "network", "ls")
	require.NoError(t, err)
	require.Empty(t, listed)
}
