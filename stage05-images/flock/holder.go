package flock

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// holder returns the pid of the process that took the lock of a file, or 0 if it
// isn't seen from here. It is asked of /proc/locks, see proc_locks(5):
//
//	1: FLOCK  ADVISORY  WRITE 4711 fe:01:1234 0 EOF
//	1: -> FLOCK  ADVISORY  WRITE 4712 fe:01:1234 0 EOF
//
// The second waits for the first. A file is named by its device's two numbers,
// in hexadecimal, and its inode.
func holder(file *os.File) int {
	var stat unix.Stat_t
	if unix.Fstat(int(file.Fd()), &stat) != nil {
		return 0
	}
	name := fmt.Sprintf("%02x:%02x:%d", unix.Major(stat.Dev), unix.Minor(stat.Dev), stat.Ino)
	locks, err := os.Open("/proc/locks")
	if err != nil {
		return 0
	}
	defer locks.Close()
	for lines := bufio.NewScanner(locks); lines.Scan(); {
		field := strings.Fields(lines.Text())
		if len(field) > 5 && field[1] == "FLOCK" && field[5] == name {
			pid, _ := strconv.Atoi(field[4])
			return max(pid, 0) // -1: of another pid namespace
		}
	}
	return 0
}
