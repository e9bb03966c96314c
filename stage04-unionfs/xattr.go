package unionfs

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// An xattr is an extended attribute; see xattr(7). In a tar it is a PAX record,
//
//	SCHILY.xattr.security.capability=<the raw value>
type xattr struct {
	name  string
	value []byte
}

const xattrRecord = "SCHILY.xattr."

// travels reports whether an attribute belongs into a layer. Two kinds do: file
// capabilities, and what users attach to their files. Left at home are the
// labels of the host's security modules and everything that overlayfs reads: a
// layer that could write trusted.overlay.redirect would say which of the host's
// directories is shown in its place.
func travels(name string) bool {
	if name == "security.capability" {
		return true
	}
	return strings.HasPrefix(name, "user.") && !strings.HasPrefix(name, "user.overlay.")
}

// readXattrs takes the attributes out of an entry's PAX records.
func readXattrs(records map[string]string) []xattr {
	var list []xattr
	for key, value := range records {
		if name, is := strings.CutPrefix(key, xattrRecord); is && travels(name) {
			list = append(list, xattr{name, []byte(value)})
		}
	}
	return list
}

// listXattrs reads the attributes of an open file that belong into a layer,
// sorted by name.
func listXattrs(fd int) ([]xattr, error) {
	names, err := readGrowing(func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) })
	if err == unix.ENOTSUP {
		return nil, nil
	}
	if err != nil {
		return nil, failed("flistxattr", "", err)
	}
	var list []xattr
	for name := range strings.SplitSeq(string(names), "\x00") {
		if !travels(name) {
			continue
		}
		value, err := readGrowing(func(buf []byte) (int, error) { return unix.Fgetxattr(fd, name, buf) })
		if err != nil {
			return nil, failed("fgetxattr", name, err)
		}
		list = append(list, xattr{name, value})
	}
	slices.SortFunc(list, func(a, b xattr) int { return strings.Compare(a.name, b.name) })
	return list, nil
}

// Attributes reads the attributes of an open file that travel, as a tar's PAX
// records; nil if there are none.
func Attributes(fd int) (map[string]string, error) {
	list, err := listXattrs(fd)
	return writeXattrs(list), err
}

// SetAttributes gives them to an open file.
func SetAttributes(fd int, records map[string]string) error {
	return setXattrs(fd, readXattrs(records))
}

// writeXattrs puts attributes into an entry's PAX records.
func writeXattrs(list []xattr) map[string]string {
	if len(list) == 0 {
		return nil
	}
	records := map[string]string{}
	for _, x := range list {
		records[xattrRecord+x.name] = string(x.value)
	}
	return records
}

func setXattrs(fd int, list []xattr) error {
	for _, x := range list {
		if err := unix.Fsetxattr(fd, x.name, x.value, 0); err != nil {
			return fmt.Errorf("fsetxattr %s: %w", x.name, err)
		}
	}
	return nil
}

// readGrowing calls read with a larger buffer as long as it answers ERANGE. The
// kernel keeps both the list and a value below 64 KiB.
func readGrowing(read func([]byte) (int, error)) ([]byte, error) {
	for size := 256; ; size *= 16 {
		buf := make([]byte, size)
		n, err := read(buf)
		if err == unix.ERANGE && size <= 1<<16 {
			continue
		}
		if err != nil {
			return nil, err
		}
		return buf[:n], nil
	}
}
