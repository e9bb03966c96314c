package unionfs

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// mountClassic mounts the stack with one string of options, at most a page
// less a byte of it. newer is what the newer way answered.
func (st *stack) mountClassic(target string, newer error) error {
	var lower, text []string
	for _, o := range st.options() {
		switch {
		case o.name == "lowerdir+":
			lower = append(lower, o.value)
		case o.value == "":
			text = append(text, o.name)
		default:
			text = append(text, o.name+"="+o.value)
		}
	}
	text = append(text, "lowerdir="+strings.Join(lower, ":"))
	data := strings.Join(text, ",")
	if len(data) >= os.Getpagesize() {
		return fmt.Errorf("%d lower directories need Linux 6.7: %w", len(lower), newer)
	}
	err := unix.Mount("overlay", target, "overlay", 0, data)
	if err == unix.EINVAL && st.volatile {
		st.volatile = false // before Linux 5.10; it only was to be faster
		return st.mountClassic(target, newer)
	}
	if err == unix.EINVAL {
		return fmt.Errorf("%w; are upper and work on one filesystem that isn't an overlay itself, and is no directory inside another?", newer)
	}
	return failed("mount overlay", target, err)
}
