package reference

import "strings"

func isHost(host string) bool {
	if rest, isV6 := strings.CutPrefix(host, "["); isV6 {
		address, port, closed := strings.Cut(rest, "]")
		return closed && isRun(address, func(c byte) bool { return isHex(c) || c == ':' }) &&
			(port == "" || port[0] == ':' && isRun(port[1:], isDigit))
	}
	name, port, hasPort := strings.Cut(host, ":")
	if hasPort && !isRun(port, isDigit) {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isRun(label, func(c byte) bool { return isAlphanumeric(c) || c == '-' }) ||
			label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// IsPath tells whether this is the name of a repository, without its registry.
func IsPath(path string) bool { return len(path) <= 255 && isPath(path) }

// IsTag tells whether this is a tag.
func IsTag(tag string) bool { return isTag(tag) }

func isPath(path string) bool {
	for component := range strings.SplitSeq(path, "/") {
		if !isComponent(component) {
			return false
		}
	}
	return true
}

// isComponent takes turns: a run, a separator, a run, … and a run at the end.
func isComponent(s string) bool {
	for {
		run := countLeading(s, isLowerAlphanumeric)
		if run == 0 {
			return false
		}
		if s = s[run:]; s == "" {
			return true
		}
		separator := countLeading(s, func(c byte) bool { return !isLowerAlphanumeric(c) })
		if !isSeparator(s[:separator]) {
			return false
		}
		s = s[separator:]
	}
}

func isSeparator(s string) bool {
	return s == "." || s == "_" || s == "__" || isRun(s, func(c byte) bool { return c == '-' })
}

func isTag(s string) bool {
	word := func(c byte) bool { return isAlphanumeric(c) || c == '_' }
	return s != "" && len(s) <= 128 && word(s[0]) &&
		isRun(s, func(c byte) bool { return word(c) || c == '.' || c == '-' })
}

// isDigest is true of sha256 with its 64 lower-case digits. The grammar knows
// others, but nothing in the field uses them, and a digest becomes a path.
func isDigest(s string) bool {
	hex, found := strings.CutPrefix(s, "sha256:")
	return found && len(hex) == 64 && isRun(hex, isLowerHex)
}

// isRun is true of one or more bytes of a kind.
func isRun(s string, kind func(byte) bool) bool {
	return s != "" && countLeading(s, kind) == len(s)
}

func countLeading(s string, kind func(byte) bool) (n int) {
	for n < len(s) && kind(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool             { return '0' <= c && c <= '9' }
func isLowerAlphanumeric(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'z' }
func isAlphanumeric(c byte) bool      { return isLowerAlphanumeric(c) || 'A' <= c && c <= 'Z' }
func isLowerHex(c byte) bool          { return isDigit(c) || 'a' <= c && c <= 'f' }
func isHex(c byte) bool               { return isLowerHex(c) || 'A' <= c && c <= 'F' }
