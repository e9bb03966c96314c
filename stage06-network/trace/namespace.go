package trace

import (
	"fmt"
	"os"

	namespaces "cooper/stage01-namespaces"
)

// inside makes a socket in a network namespace; nil is the caller's own.
func inside(ns *os.File, do func() error) error {
	if ns == nil {
		return do()
	}
	return namespaces.Visit(ns, do)
}

// openNamespace opens the container's network namespace. It is nil where that
// is the caller's own: a container on the host's network.
func openNamespace(path string) (*os.File, error) {
	ns, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the container's network: %w", err)
	}
	own, err := os.Stat("/proc/thread-self/ns/net")
	if err != nil {
		ns.Close()
		return nil, fmt.Errorf("look at the host's network: %w", err)
	}
	if its, err := ns.Stat(); err == nil && os.SameFile(own, its) {
		return nil, ns.Close()
	}
	return ns, nil
}
