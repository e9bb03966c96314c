package archive

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// attributeRecord is how tar calls an extended attribute; see xattr(7).
const attributeRecord = "SCHILY.xattr."

// travels reports whether an attribute is copied: what makes a program capable,
// and what users attach to their files. The labels of a security module stay
// where they are.
func travels(name string) bool {
	return name == "security.capability" || strings.HasPrefix(name, "user.")
}

// attributes reads those of an open file, as a tar's records.
func attributes(fd int) (map[string]string, error) {
	list, err := read(func(b []byte) (int, error) { return unix.Flistxattr(fd, b) })
	if err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil {
		return nil, os.NewSyscallError("flistxattr", err)
	}
	records := map[string]string{}
	for name := range strings.SplitSeq(list, "\x00") {
		if !travels(name) {
			continue
		}
		value, err := read(func(b []byte) (int, error) { return unix.Fgetxattr(fd, name, b) })
		if err != nil {
			return nil, os.NewSyscallError("fgetxattr", err)
		}
		records[attributeRecord+name] = value
	}
	return records, nil
}

// read reads what the kernel bounds by 64 KiB.
func read(call func([]byte) (int, error)) (string, error) {
	buffer := make([]byte, 1<<16)
	n, err := call(buffer)
	if err != nil {
		return "", err
	}
	return string(buffer[:n]), nil
}

// setAttributes gives an open file the attributes that a tar's records name.
func setAttributes(fd int, records map[string]string) error {
	for key, value := range records {
		name, found := strings.CutPrefix(key, attributeRecord)
		if !found || !travels(name) {
			continue
		}
		if err := unix.Fsetxattr(fd, name, []byte(value), 0); err != nil {
			return os.NewSyscallError("fsetxattr "+name, err)
		}
	}
	return nil
}
