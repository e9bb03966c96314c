package cli

import (
	"fmt"
	"path/filepath"
	"strings"

	"cooper/stage07-cli/engine"
)

// parseDevices reads --device HOST[:CONTAINER][:PERMISSIONS]. With two fields
// the second is the permissions if it can be, as in /dev/sda:r.
func parseDevices(values []string) ([]engine.Device, error) {
	var devices []engine.Device
	for _, value := range values {
		fields := strings.Split(value, ":")
		d := engine.Device{Host: fields[0], Container: fields[0], Permissions: "rwm"}
		switch {
		case len(fields) == 2 && arePermissions(fields[1]):
			d.Permissions = fields[1]
		case len(fields) == 2:
			d.Container = fields[1]
		case len(fields) == 3:
			d.Container, d.Permissions = fields[1], fields[2]
		case len(fields) > 3:
			return nil, fmt.Errorf("--device %q: write HOST:CONTAINER:PERMISSIONS", value)
		}
		if !filepath.IsAbs(d.Host) || !filepath.IsAbs(d.Container) {
			return nil, fmt.Errorf("--device %q: the paths must be absolute", value)
		}
		if !arePermissions(d.Permissions) {
			return nil, fmt.Errorf("--device %q: the permissions %q must be letters of rwm", value, d.Permissions)
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// arePermissions accepts r, w and m, each at most once.
func arePermissions(text string) bool {
	for i, letter := range text {
		if !strings.ContainsRune("rwm", letter) || strings.ContainsRune(text[:i], letter) {
			return false
		}
	}
	return text != ""
}
