package cgroups

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"unsafe"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// rdmaContexts as its argument makes the test binary a program that opens an
// adapter so many times.
const rdmaContexts = "rdma-contexts"

// openRdmaContexts asks for contexts as libibverbs does, with the command
// IB_USER_VERBS_CMD_GET_CONTEXT of rdma/ib_user_verbs.h.
func openRdmaContexts(device, count string) {
	n, err := strconv.Atoi(count)
	for i := 0; i < n && err == nil; i++ {
		var fd int
		if fd, err = unix.Open(device, unix.O_RDWR, 0); err != nil {
			break
		}
		answer := new([2]uint32) // a descriptor for events, and how many vectors
		var pin runtime.Pinner   // its address is in the command, where Go doesn't see it
		pin.Pin(answer)
		command := binary.NativeEndian.AppendUint32(nil, 0)
		command = binary.NativeEndian.AppendUint16(command, 4) // its length in words of 4 bytes
		command = binary.NativeEndian.AppendUint16(command, 2) // and the answer's
		command = binary.NativeEndian.AppendUint64(command, uint64(uintptr(unsafe.Pointer(answer))))
		if _, err = unix.Write(fd, command); err == nil {
			fmt.Println("opened")
		}
		pin.Unpin()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

func withRdma(t *testing.T) {
	t.Helper()
	notrace.Check(t)
	system, err := Detect()
	require.NoError(t, err)
	g := system.group("any")
	if _, present := g.dir("rdma"); !present {
		t.Skip("no rdma controller here; the virtual machine has one")
	}
}

func TestAnAdapterIsOpenedNoMoreOftenThanAllowed(t *testing.T) {
	withRdma(t)
	adapters, err := filepath.Glob("/sys/class/infiniband_verbs/uverbs*")
	require.NoError(t, err)
	if len(adapters) == 0 {
		t.Skip("no adapter for RDMA here; the virtual machine with a kernel for hardware has one")
	}
	name, err := read(adapters[0], "ibdev")
	require.NoError(t, err)
	handles, objects := uint32(2), uint32(2000)
	for _, c := range []struct {
		count, output string
		code          int
	}{
		{"2", "opened\nopened\n", 0},
		{"3", "opened\nopened\nresource temporarily unavailable\n", 1},
	} {
		s := container("/proc/self/exe", rdmaContexts, "/dev/infiniband/"+filepath.Base(adapters[0]), c.count)
		s.Limits.Rdma = map[string]RdmaLimit{name: {HcaHandles: &handles, HcaObjects: &objects}}
		run := start(t, s)
		output, code := run.end(t)
		require.Equal(t, c.output, output)
		require.Equal(t, c.code, code)
		dir, _ := run.group(t).dir("rdma")
		text, err := read(dir, "rdma.max")
		require.NoError(t, err)
		require.Contains(t, text, name+" hca_handle=2 hca_object=2000")
	}
}

// The kernel knows its adapters, and takes no others.
func TestAnAdapterThatIsNotThereIsNamed(t *testing.T) {
	withRdma(t)
	handles := uint32(2)
	err := start(t, container("sleep", "1000")).group(t).Update(Limits{Rdma: map[string]RdmaLimit{"mlx5_9": {HcaHandles: &handles}}})
	require.ErrorIs(t, err, unix.ENODEV)
	require.ErrorContains(t, err, "limit rdma: write mlx5_9 hca_handle=2 to ")
}
