package engine

import (
	"errors"
	"io/fs"
	"path/filepath"

	"cooper/stage02-cgroups"
	"cooper/stage03-rootfs"
	"cooper/stage06-network"
)

// devices looks the devices up that the user asked for. A directory of the host
// stands for all devices in it. What may be done with which device is said when
// all is known of the container: the last rule that fits counts.
func devices(s *network.Spec, o *CreateOptions) error {
	for _, d := range o.Devices {
		found, err := rootfs.FindDevices(filepath.Clean(d.Host), filepath.Clean(d.Container), d.Permissions)
		if errors.Is(err, fs.ErrNotExist) {
			return tell(ErrInvalid, "error gathering device information while adding custom device %q: no such file or directory", quotedPath(d.Host))
		}
		if err != nil {
			return tell(ErrInvalid, "add device %s: %s", quotedPath(d.Host), err)
		}
		s.Devices = append(s.Devices, found...)
	}
	return nil
}

// deviceRules settles the device cgroup, behind powers.
func deviceRules(s *network.Spec, o *CreateOptions) error {
	own, err := cgroups.ParseDeviceRules(o.DeviceRules)
	if err != nil {
		return tell(ErrInvalid, "%s", err)
	}
	s.DeviceRules = append(rootfs.DeviceRules(&s.Spec.Spec.Spec), own...)
	return nil
}
