package seccomp

import (
	_ "embed"
	"slices"
	"strings"
)

// defaultProfile is Docker's, as github.com/moby/profiles has it (Apache
// License 2.0); a test compares the two. It permits some 370 calls of 470:
// what is left out is about other containers, the machine, or the kernel
// itself, or is so seldom used that it only serves those who look for bugs.
//
//go:embed default.json
var defaultProfile string

// ruledCapabilities are those that Docker's profile asks about.
const ruledCapabilities = "CAP_BPF CAP_DAC_READ_SEARCH CAP_PERFMON CAP_SYSLOG CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_CHROOT" +
	" CAP_SYS_MODULE CAP_SYS_NICE CAP_SYS_PACCT CAP_SYS_PTRACE CAP_SYS_RAWIO CAP_SYS_TIME CAP_SYS_TTY_CONFIG"

// compiledCapability is the one of them that a container usually has; builtin
// is the profile compiled for it. It asks for Linux 4.8, and this engine for a
// much later one.
const compiledCapability = "CAP_SYS_CHROOT"

// DefaultProfile returns Docker's profile.
func DefaultProfile() (*Profile, error) { return Parse(strings.NewReader(defaultProfile)) }

// Default returns Docker's profile, compiled for a container with these
// capabilities. For the usual ones that was done when this program was built.
func Default(capabilities []string) ([]byte, error) {
	if builtin != "" && slices.Equal(ruled(capabilities), []string{compiledCapability}) {
		return []byte(builtin), nil
	}
	profile, err := DefaultProfile()
	if err != nil {
		return nil, err
	}
	target, err := Here(capabilities)
	if err != nil {
		return nil, err
	}
	return profile.Compile(target)
}

// ruled returns those capabilities that make a difference to the profile.
func ruled(capabilities []string) []string {
	var list []string
	for name := range strings.SplitSeq(ruledCapabilities, " ") {
		if slices.Contains(capabilities, name) {
			list = append(list, name)
		}
	}
	return list
}
