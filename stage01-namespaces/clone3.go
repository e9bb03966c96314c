package namespaces

import "unsafe"

// cloneArgs is struct clone_args of clone3(2), in its version of Linux 5.7.
type cloneArgs struct {
	flags      uint64 // CLONE_*
	pidfd      uint64
	childTID   uint64
	parentTID  uint64
	exitSignal uint64 // sent to the parent when the child ends; 0 with CLONE_PARENT
	stack      uint64 // 0: go on with a copy of the caller's
	stackSize  uint64
	tls        uint64
	setTID     uint64
	setTIDSize uint64
	cgroup     uint64 // with CLONE_INTO_CGROUP: a descriptor of the directory
}

// The kernel knows the version by the size.
var _ [88]byte = [unsafe.Sizeof(cloneArgs{})]byte{}
