package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"

	"cooper/stage03-rootfs"
	"cooper/stage03-rootfs/seccomp"
)

// securityOptions reads --security-opt. Docker once wrote a colon for the
// equals sign, and people still do. The file of a seccomp profile is read here:
// it is a name in our directory, and is to mean the same later.
func securityOptions(values []string) (options []string, err error) {
	for _, value := range values {
		if i := strings.IndexAny(value, "=:"); i > 0 && value[:i] == "seccomp" {
			if value, err = seccompOption(value[i+1:]); err != nil {
				return nil, fmt.Errorf("--security-opt seccomp: %w", err)
			}
		} else if err := new(rootfs.Spec).Secure([]string{value}); err != nil {
			return nil, fmt.Errorf("--security-opt: %w", err)
		}
		options = append(options, value)
	}
	return options, nil
}

func seccompOption(setting string) (option string, err error) {
	switch setting {
	case "":
		return "", fmt.Errorf("use unconfined, builtin, or the name of a file with a profile")
	case "unconfined", "builtin":
		return "seccomp=" + setting, nil
	}
	text, err := os.ReadFile(setting)
	if err != nil {
		return "", err
	}
	// Read here once, for the message: which capabilities it is for comes later.
	if _, err := seccomp.Parse(bytes.NewReader(text)); err != nil {
		return "", fmt.Errorf("%s: %w", setting, err)
	}
	return "seccomp=" + strings.TrimSpace(string(text)), nil
}
