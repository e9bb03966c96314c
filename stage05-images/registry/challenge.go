package registry

import "strings"

// challenge is what a 401 demands, RFC 9110 section 11.6.1:
//
//	WWW-Authenticate: Bearer realm="https://auth.example/token",service="registry.example"
//	                  └scheme └parameters
type challenge struct {
	scheme     string // lower case: "basic" or "bearer"
	parameters map[string]string
}

// parseChallenge reads the header's lines. A line that makes no sense ends its
// own reading and spoils no other: the registry wrote it, and all it can cost
// is the login.
func parseChallenge(lines []string) []challenge {
	var list []challenge
	for _, line := range lines {
		scheme, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if scheme == "" {
			continue
		}
		list = append(list, challenge{strings.ToLower(scheme), parseParameters(rest)})
	}
	return list
}

// parseParameters reads key=value pairs with commas between them; a value is a
// token or a quoted string, in which a backslash takes the next byte as it is.
func parseParameters(s string) map[string]string {
	found := map[string]string{}
	for {
		key, rest, ok := strings.Cut(strings.TrimLeft(s, " \t,"), "=")
		if !ok {
			return found
		}
		var value string
		if value, s, ok = cutValue(rest); !ok {
			return found
		}
		found[strings.ToLower(strings.TrimSpace(key))] = value
	}
}

// cutValue takes one value off the front; ok is false for an open quote.
func cutValue(s string) (value, rest string, ok bool) {
	s = strings.TrimLeft(s, " \t")
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, ", \t")
		if end < 0 {
			end = len(s)
		}
		return s[:end], s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
