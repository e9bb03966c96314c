package cgroups

import (
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The kernel knows the adapters, and takes no others. None of our machines has
// one, so what a real one is allowed is for limit_test.go to tell.
func TestAnRdmaDeviceThatIsNotThereIsNamed(t *testing.T) {
	notrace.Check(t)
	system, err := Detect()
	require.NoError(t, err)
	if _, present := system.group("any").dir("rdma"); !present {
		t.Skip("no rdma controller here; the virtual machine has one")
	}
	g := start(t, container("sleep", "1000")).group(t)
	handles := uint32(2)
	err = g.Update(Limits{Rdma: map[string]RdmaLimit{"mlx5_9": {HcaHandles: &handles}}})
	require.ErrorIs(t, err, unix.ENODEV)
	require.ErrorContains(t, err, "limit rdma: write mlx5_9 hca_handle=2 to ")
}
