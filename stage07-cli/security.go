package cli

import (
	"fmt"
	"os"
	"strings"

	"cooper/stage03-rootfs"
)

// securityOptions reads --security-opt. Docker once wrote a colon for the
// equals sign, and people still do. The file of a seccomp profile is read here:
// it is a name in our directory, and is to mean the same later.
func securityOptions(values []string) (options []string, err error) {
	for _, value := range values {
		name, setting, given := strings.Cut(value, "=")
		if !given {
			name, setting, given = strings.Cut(value, ":")
		}
		if name == "seccomp" {
			if value, err = seccompOption(setting); err != nil {
				return nil, fmt.Errorf("--security-opt %q: %w", name, err)
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
	profile, err := os.ReadFile(setting)
	if err != nil {
		return "", err
	}
	// Compiled here once, for the message: the capabilities come later.
	_, err = rootfs.LoadSeccomp(setting, nil)
	return "seccomp=" + strings.TrimSpace(string(profile)), err
}
