package cli

import (
	"fmt"
	"strings"
)

// parsePairs reads the values of a flag that takes KEY=VALUE, such as --sysctl.
// Unlike those of a label, a value must be given.
func parsePairs(flag string, values []string) (map[string]string, error) {
	var pairs map[string]string
	for _, value := range values {
		key, setting, found := strings.Cut(value, "=")
		if !found || key == "" {
			return nil, fmt.Errorf("--%s %q: write KEY=VALUE", flag, value)
		}
		if pairs == nil {
			pairs = map[string]string{}
		}
		pairs[key] = setting
	}
	return pairs, nil
}
