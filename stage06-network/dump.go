package network

import (
	"errors"

	"github.com/vishvananda/netlink"
)

// whole asks for a list again for as long as the kernel says that it changed
// while it was told: entries may then be missing. Many containers that come and
// go make that happen.
func whole[T any](dump func() ([]T, error)) ([]T, error) {
	for {
		list, err := dump()
		if !errors.Is(err, netlink.ErrDumpInterrupted) {
			return list, err
		}
	}
}
