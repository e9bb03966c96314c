package engine

import (
	"cooper/stage02-cgroups"
	"cooper/stage06-network"
)

// Limits is what a container may use of the machine.
type Limits = cgroups.Limits

// Port is one published port.
type Port = network.Port

// NetworkMode is "none", "host", "container:NAME" or the name of a network; ""
// is the default one.
type NetworkMode = network.Mode
