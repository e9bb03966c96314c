package namespaces

import (
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// newIDMap runs newuidmap(1) or newgidmap(1), which write a mapping for who
// owns the ids in /etc/subuid or /etc/subgid. They are the only programs that
// this book runs: they are setuid, so nothing that we could write would do.
func newIDMap(program string, pid int, mappings []IDMapping) error {
	args := []string{strconv.Itoa(pid)}
	for _, m := range mappings {
		args = append(args, fmt.Sprint(m.ContainerID), fmt.Sprint(m.HostID), fmt.Sprint(m.Size))
	}
	output, err := exec.Command(program, args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w (ids other than one's own are mapped by this program; it is in the package uidmap, or shadow-utils)", err)
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(output)))
	}
	return nil
}
