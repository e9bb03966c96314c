package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"cooper/stage07-cli/engine"
)

// securityOptions reads --security-opt NAME[=VALUE]. Docker once wrote a colon
// for the equals sign, and people still do.
func securityOptions(values []string, o *engine.CreateOptions) error {
	for _, value := range values {
		name, setting, given := strings.Cut(value, "=")
		if !given {
			name, setting, given = strings.Cut(value, ":")
		}
		switch name {
		case "no-new-privileges":
			if given && setting != "true" && setting != "false" {
				return fmt.Errorf("--security-opt %q: use true or false", value)
			}
			o.NoNewPrivileges = setting != "false"
		case "systempaths":
			if setting != "unconfined" {
				return fmt.Errorf("--security-opt %q: only systempaths=unconfined is known", value)
			}
			o.Unmasked = true
		case "seccomp":
			if err := seccompOption(setting, o); err != nil {
				return fmt.Errorf("--security-opt %q: %w", value, err)
			}
		default:
			return fmt.Errorf("--security-opt %q: use no-new-privileges, seccomp=FILE or systempaths=unconfined", value)
		}
	}
	return nil
}

// seccompOption takes a word, or a file's content: the engine must not depend
// on a file that may be gone at the next start.
func seccompOption(setting string, o *engine.CreateOptions) error {
	if setting == "builtin" || setting == "unconfined" {
		o.Seccomp = setting
		return nil
	}
	text, err := os.ReadFile(setting)
	if err != nil {
		return err
	}
	o.Seccomp = strings.TrimSpace(string(text))
	if !strings.HasPrefix(o.Seccomp, "{") {
		return errors.New("the file holds no profile in JSON")
	}
	return nil
}
