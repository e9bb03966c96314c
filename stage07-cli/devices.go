package cli

import (
	"fmt"

	"cooper/stage03-rootfs"
	"cooper/stage07-cli/engine"
)

// parseDevices reads --device by stage 3's grammar. Which devices that are, a
// directory may hold many, the engine looks up.
func parseDevices(values []string) ([]engine.Device, error) {
	var devices []engine.Device
	for _, value := range values {
		host, container, access, err := rootfs.SplitDevice(value)
		if err != nil {
			return nil, fmt.Errorf("--device: %w", err)
		}
		devices = append(devices, engine.Device{Host: host, Container: container, Permissions: access})
	}
	return devices, nil
}
