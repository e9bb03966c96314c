package rootfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// ParseDevice reads the value of --device, HOST[:CONTAINER][:ACCESS], where
// access is some of r, w and m (mknod), and all of them if it isn't given:
//
//	/dev/fuse
//	/dev/sda:/dev/xvda:r
//	/dev/snd                  every device in that directory
func ParseDevice(value string) ([]Device, error) {
	host, container, access, err := SplitDevice(value)
	if err != nil {
		return nil, err
	}
	devices, err := FindDevices(host, container, access)
	if err != nil {
		return nil, fmt.Errorf("device %q: %w", value, err)
	}
	return devices, nil
}

// FindDevices describes the device at a path of the host, or all that are in a
// directory there, as they are to be made at a path in the container.
func FindDevices(host, container, access string) (devices []Device, err error) {
	info, err := os.Stat(host)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		devices, err = HostDevices(host)
		if err == nil && len(devices) == 0 {
			err = fmt.Errorf("no devices in %s: %w", host, unix.ENODEV)
		}
	} else {
		var one Device
		one, err = HostDevice(host)
		devices = []Device{one}
	}
	if err != nil {
		return nil, err
	}
	for i, d := range devices {
		devices[i].HostPath, devices[i].Access = d.Path, access
		devices[i].Path = container + strings.TrimPrefix(d.Path, host)
	}
	return devices, nil
}

// SplitDevice takes the words of --device apart. Of two, the second is the
// access if it can be.
func SplitDevice(value string) (host, container, access string, err error) {
	fields := strings.Split(value, ":")
	host, container, access = fields[0], fields[0], "rwm"
	switch {
	case len(fields) == 2 && fields[1] != "" && isAccess(fields[1]):
		access = fields[1]
	case len(fields) == 2:
		container = fields[1]
	case len(fields) == 3:
		container, access = fields[1], fields[2]
	case len(fields) > 3:
		return "", "", "", fmt.Errorf("device %q: too many colons; write HOST:CONTAINER:ACCESS", value)
	}
	switch {
	case access == "" || !isAccess(access):
		return "", "", "", fmt.Errorf("device %q: access %q: use some of r, w and m", value, access)
	case !filepath.IsAbs(host) || !filepath.IsAbs(container) || strings.ContainsRune(value, 0):
		return "", "", "", fmt.Errorf("device %q: give absolute paths", value)
	}
	if host, container = filepath.Clean(host), filepath.Clean(container); container == "/" {
		return "", "", "", fmt.Errorf("device %q: it can't be '/'", value)
	}
	return host, container, access, nil
}

// isAccess accepts each of r, w and m once at the most, in any order.
func isAccess(text string) bool {
	return strings.Trim(text, "rwm") == "" &&
		strings.Count(text, "r") < 2 && strings.Count(text, "w") < 2 && strings.Count(text, "m") < 2
}

// AddDevices gives the container devices beside the standard ones, and the
// right to use them.
func (s *Spec) AddDevices(devices ...Device) {
	s.Devices = append(s.Devices, devices...)
	s.DeviceRules = DeviceRules(s)
}

// HostDevices lists the device nodes in a directory of the host, for a
// privileged container. It leaves out what a container has of its own: its
// terminals, its shared memory, its queues.
func HostDevices(dir string) ([]Device, error) {
	own := []string{"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd", "/dev/console", "/dev/ptmx"}
	var devices []Device
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		for _, name := range own {
			if path == name || strings.HasPrefix(path, name+"/") {
				return nil
			}
		}
		if errors.Is(err, fs.ErrNotExist) || err == nil && entry.Type()&fs.ModeDevice == 0 {
			return nil // it went away meanwhile; or it is no device
		}
		if err != nil {
			return err
		}
		device, err := HostDevice(path)
		if err == nil {
			devices = append(devices, device)
		}
		return err
	})
	return devices, err
}

// HostDevice describes a device node of the host, to be made at the same path.
func HostDevice(path string) (Device, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return Device{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	device := Device{
		Path: path, Type: "c", Major: unix.Major(stat.Rdev), Minor: unix.Minor(stat.Rdev),
		Mode: stat.Mode & 0o777, UID: stat.Uid, GID: stat.Gid,
	}
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFBLK:
		device.Type = "b"
	case unix.S_IFCHR:
	default:
		return Device{}, fmt.Errorf("%s is not a device: %w", path, unix.ENODEV)
	}
	return device, nil
}
