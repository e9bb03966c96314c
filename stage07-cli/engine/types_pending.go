package engine

// These become aliases of the stages' types as soon as they exist, with the
// same field names.

// Limits is cgroups.Limits.
type Limits struct {
	Memory, MemoryReservation, MemorySwap int64
	CPUQuota, CPUPeriod, CPUShares        int64
	CPUSetCPUs, CPUSetMems                string
	Pids                                  int64
}

// Port is network.Port.
type Port struct {
	HostIP        string
	HostPort      uint16
	ContainerPort uint16
	Protocol      string
}
