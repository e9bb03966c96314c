package cli

import (
	"fmt"
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
		default:
			return fmt.Errorf("--security-opt %q: use no-new-privileges or systempaths=unconfined", value)
		}
	}
	return nil
}
