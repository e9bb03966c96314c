package seccomp

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Target is what a profile is compiled for.
type Target struct {
	GOARCH       string   // the machine: "amd64"
	Kernel       [2]int   // version and patch level: 6, 12
	Capabilities []string // the container's bounding set: "CAP_SYS_CHROOT"
}

// Here is a container with these capabilities on this machine.
func Here(capabilities []string) (Target, error) {
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		return Target{}, os.NewSyscallError("uname", err)
	}
	kernel, err := parseKernel(unix.ByteSliceToString(uts.Release[:]))
	return Target{GOARCH: runtime.GOARCH, Kernel: kernel, Capabilities: capabilities}, err
}

// parseKernel takes the first two numbers of a release: 6, 12 of "6.12.3-amd64".
func parseKernel(release string) (version [2]int, err error) {
	if _, err := fmt.Sscanf(release, "%d.%d", &version[0], &version[1]); err != nil {
		return version, fmt.Errorf("parse kernel version %q: want VERSION.PATCHLEVEL", release)
	}
	return version, nil
}

// rules returns those that exist for a target. Of Includes all must hold, of
// Excludes none; a list of machines asks for one of them, a list of
// capabilities in Includes for all of them. These are Docker's rules.
func (p *Profile) rules(t Target) ([]Rule, error) {
	var chosen []Rule
	for _, rule := range p.Syscalls {
		if rule.Name != "" {
			if len(rule.Names) > 0 {
				return nil, fmt.Errorf("rule for %s: it has both name and names", rule.Name)
			}
			rule.Names = []string{rule.Name}
		}
		applies, err := rule.applies(t)
		if err != nil {
			return nil, fmt.Errorf("rule for %s: %w", strings.Join(rule.Names, ", "), err)
		}
		if applies {
			chosen = append(chosen, rule)
		}
	}
	return chosen, nil
}

func (r *Rule) applies(t Target) (bool, error) {
	if out := r.Excludes; out != nil {
		recent, err := t.reaches(out.MinKernel)
		if err != nil || recent && out.MinKernel != "" ||
			slices.Contains(out.Arches, t.dockerName()) || slices.ContainsFunc(out.Caps, t.has) {
			return false, err
		}
	}
	if in := r.Includes; in != nil {
		recent, err := t.reaches(in.MinKernel)
		if err != nil || !recent ||
			len(in.Arches) > 0 && !slices.Contains(in.Arches, t.dockerName()) ||
			slices.ContainsFunc(in.Caps, func(name string) bool { return !t.has(name) }) {
			return false, err
		}
	}
	return true, nil
}

func (t Target) has(capability string) bool { return slices.Contains(t.Capabilities, capability) }

func (t Target) dockerName() string {
	if t.GOARCH == "386" {
		return "x86"
	}
	return t.GOARCH
}

// reaches tells whether the kernel is at least as new as "4.8"; any is as new
// as "".
func (t Target) reaches(minKernel string) (bool, error) {
	if minKernel == "" {
		return true, nil
	}
	least, err := parseKernel(minKernel)
	return slices.Compare(t.Kernel[:], least[:]) >= 0, err
}

// abis returns those whose calls are to be judged; calls by another are deadly.
// A profile may list architectures of other machines.
func (p *Profile) abis(t Target) ([]abi, error) {
	if len(p.Architectures) > 0 && len(p.ArchMap) > 0 {
		return nil, errors.New("it has both architectures and archMap")
	}
	possible, err := machine(t.GOARCH)
	if err != nil {
		return nil, err
	}
	wanted := p.Architectures
	for _, entry := range p.ArchMap {
		if entry.Arch == possible[0].name {
			wanted = entry.SubArches
		}
	}
	for _, name := range wanted {
		if !knownArch(name) {
			return nil, fmt.Errorf("unknown architecture %q", name)
		}
	}
	return slices.DeleteFunc(possible, func(a abi) bool {
		return a.name != possible[0].name && !slices.Contains(wanted, a.name)
	}), nil
}
