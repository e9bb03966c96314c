package rootfs

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// propagationOf finds the mount with that ID in /proc/PID/mountinfo, and tells
// what ties it to others:
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime shared:1 master:2 - ext3 /dev/root rw
//	(1)(2)(3)  (4)   (5)   (6)        (7)               (8)
//
// 1 is the mount's ID; 7 is any number of fields "tag:value", and 8 ends
// them: shared is the peer group whose mounts and unmounts it gives and takes,
// master the one from which it only takes. See proc_pid_mountinfo(5).
func propagationOf(id uint64, mountinfo io.Reader) (shared, slave bool, err error) {
	lines := bufio.NewScanner(mountinfo)
	lines.Buffer(nil, maxDatabase) // an overlay of many layers is a long line
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 7 || fields[0] != strconv.FormatUint(id, 10) {
			continue
		}
		for _, tag := range fields[6:] {
			if tag == "-" {
				break
			}
			shared = shared || strings.HasPrefix(tag, "shared:")
			slave = slave || strings.HasPrefix(tag, "master:")
		}
		return shared, slave, nil
	}
	if err := lines.Err(); err != nil {
		return false, false, fmt.Errorf("read mountinfo: %w", err)
	}
	return false, false, fmt.Errorf("read mountinfo: no mount has the ID %d: %w", id, unix.ENOENT)
}

// mountID asks which mount an open file is on.
func mountID(file *os.File) (uint64, error) {
	var stat unix.Statx_t
	if err := unix.Statx(int(file.Fd()), "", unix.AT_EMPTY_PATH, unix.STATX_MNT_ID, &stat); err != nil {
		return 0, &os.PathError{Op: "statx", Path: file.Name(), Err: err}
	}
	return stat.Mnt_id, nil
}
