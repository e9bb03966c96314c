package rootfs

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	namespaces "cooper/stage01-namespaces"
)

// namespaced are the kernel parameters that exist once for each namespace of a
// kind, so that a container that has its own may set its own. A name that ends
// in "." stands for all below it. Every other parameter is the host's, and
// setting it from a container would be an escape (CVE-2022-0811). See
// namespaces(7) and Documentation/admin-guide/sysctl of the kernel.
var namespaced = map[string]namespaces.Kind{
	"kernel.domainname": namespaces.UTS,
	"kernel.msgmax":     namespaces.IPC, "kernel.msgmnb": namespaces.IPC, "kernel.msgmni": namespaces.IPC,
	"kernel.sem":    namespaces.IPC,
	"kernel.shmall": namespaces.IPC, "kernel.shmmax": namespaces.IPC, "kernel.shmmni": namespaces.IPC,
	"kernel.shm_rmid_forced": namespaces.IPC,
	"fs.mqueue.":             namespaces.IPC,
	"net.":                   namespaces.Network,
}

// validateSysctl refuses a parameter that isn't the container's own.
func (s *Spec) validateSysctl() error {
	for _, key := range slices.Sorted(maps.Keys(s.Sysctl)) {
		path, err := sysctlPath(key)
		if err != nil {
			return err
		}
		kind, allowed := sysctlKind(path)
		if !allowed {
			return fmt.Errorf("set sysctl %s: it belongs to the whole machine, not to a container; set it on the host", key)
		}
		if !s.IsNew(kind) {
			return fmt.Errorf("set sysctl %s: the container has no %s namespace of its own", key, kind)
		}
		if value := s.Sysctl[key]; value == "" || strings.ContainsAny(value, "\x00\n") {
			return fmt.Errorf("set sysctl %s: bad value %q", key, value)
		}
	}
	return nil
}

// sysctlPath returns where a parameter is below /proc/sys. Either separator
// will do, and the first one in the key decides which it is, so that an
// interface with a dot in its name can be spoken of: net/ipv4/conf/eth0.1/…
func sysctlPath(key string) (string, error) {
	path := key
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		path = strings.NewReplacer(".", "/", "/", ".").Replace(key)
	}
	for component := range strings.SplitSeq(path, "/") {
		if component == "" || component == "." || component == ".." || strings.ContainsAny(component, "\x00\n ") {
			return "", fmt.Errorf("set sysctl %q: not the name of a kernel parameter", key)
		}
	}
	return path, nil
}

func sysctlKind(path string) (kind namespaces.Kind, allowed bool) {
	for name, kind := range namespaced {
		name = strings.ReplaceAll(name, ".", "/")
		if path == name || strings.HasSuffix(name, "/") && strings.HasPrefix(path, name) {
			return kind, true
		}
	}
	return "", false
}

// sysctls are those of the Spec, by path, on top of two that make root
// unnecessary in a network of one's own: every user may ping, and may listen
// on any port. Docker sets the same.
func (s *Spec) sysctls() map[string]string {
	settings := map[string]string{}
	if s.IsNew(namespaces.Network) && !s.IsNew(namespaces.User) {
		settings["net/ipv4/ping_group_range"] = "0 2147483647"
		settings["net/ipv4/ip_unprivileged_port_start"] = "0"
	}
	for key, value := range s.Sysctl {
		if path, err := sysctlPath(key); err == nil { // Validate has refused the others
			settings[path] = value
		}
	}
	return settings
}

// setSysctls writes them through the container's own, verified /proc, before
// /proc/sys becomes read-only.
func (t *tree) setSysctls(s *Spec) error {
	if err := s.validateSysctl(); err != nil {
		return err
	}
	settings := s.sysctls()
	proc, err := openProcfs(t.root)
	if err != nil {
		return err
	}
	defer proc.Close()
	for _, path := range slices.Sorted(maps.Keys(settings)) {
		if err := writeProc(proc, "sys/"+path, settings[path]); err != nil {
			return err
		}
	}
	return nil
}
