package rootfs

import (
	"fmt"
	"io"
	"os"
	"strings"

	"cooper/stage03-rootfs/seccomp"
)

// LoadSeccomp makes the filter that --security-opt seccomp=OPTION asks for, for
// a container with these capabilities:
//
//	"", builtin    Docker's default profile
//	unconfined     none at all: nil
//	FILE, {…}      a profile in JSON, in the runtime specification's words or Docker's
//
// The filter depends on the capabilities: with CAP_SYS_ADMIN a container may
// mount, say. So whoever changes those has to call it again.
func LoadSeccomp(option string, capabilities []string) ([]byte, error) {
	switch option {
	case "", "builtin":
		return seccomp.Default(capabilities)
	case "unconfined":
		return nil, nil
	}
	text, err := openProfile(option)
	if err != nil {
		return nil, fmt.Errorf("open seccomp profile: %w", err)
	}
	defer text.Close()
	profile, err := seccomp.Parse(text)
	if err != nil {
		return nil, err
	}
	target, err := seccomp.Here(capabilities)
	if err != nil {
		return nil, err
	}
	return profile.Compile(target)
}

func openProfile(option string) (io.ReadCloser, error) {
	if strings.HasPrefix(option, "{") {
		return io.NopCloser(strings.NewReader(option)), nil
	}
	return os.Open(option)
}
