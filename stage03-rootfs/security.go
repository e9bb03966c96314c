package rootfs

import (
	"fmt"
	"slices"
	"strings"
)

// Secure takes the values of --security-opt:
//
//	no-new-privileges[=true|false]
//	apparmor=PROFILE | unconfined
//	label=disable | user:U | role:R | type:T | level:L
//	seccomp=FILE | builtin | unconfined
//	systempaths=unconfined            nothing is masked or made read-only
//
// The filter of seccomp depends on the capabilities: settle those first.
//
// As with Docker a colon will do in place of the first equals sign.
func (s *Spec) Secure(options []string) error {
	for _, option := range options {
		if err := s.secure(option); err != nil {
			return fmt.Errorf("security option %q: %w", option, err)
		}
	}
	return nil
}

func (s *Spec) secure(option string) (err error) {
	key, value, hasValue := splitSecurityOption(option)
	if !hasValue && key != "no-new-privileges" {
		return fmt.Errorf("write KEY=VALUE")
	}
	switch key {
	case "no-new-privileges":
		switch value {
		case "", "true":
			s.NoNewPrivileges = true
		case "false":
			s.NoNewPrivileges = false
		default:
			return fmt.Errorf("use true or false")
		}
	case "apparmor":
		if s.ApparmorProfile = value; value == "unconfined" {
			s.ApparmorProfile = ""
		}
	case "label":
		return s.setLabel(value)
	case "seccomp":
		s.SeccompFilter, err = LoadSeccomp(value, s.Capabilities)
		return err
	case "systempaths":
		if value != "unconfined" {
			return fmt.Errorf("use unconfined")
		}
		s.MaskedPaths, s.ReadonlyPaths = nil, nil
	default:
		return fmt.Errorf("unknown key %q: use apparmor, label, no-new-privileges, seccomp or systempaths", key)
	}
	return nil
}

// splitSecurityOption cuts at the first equals sign or colon.
func splitSecurityOption(option string) (key, value string, hasValue bool) {
	i := strings.IndexAny(option, "=:")
	if i < 0 {
		return option, "", false
	}
	return option[:i], option[i+1:], true
}

// The contexts of which labels are made, those of the container policy that
// Docker and Podman use too; see container_selinux(8).
const (
	processContext = "system_u:system_r:container_t:s0"
	fileContext    = "system_u:object_r:container_file_t:s0"
)

// setLabel changes one part of the command's context. Its level, in which the
// categories are that keep containers apart, is also that of its files.
func (s *Spec) setLabel(value string) error {
	part, word, _ := splitSecurityOption(value)
	if part == "disable" && word == "" {
		s.SelinuxLabel, s.MountLabel = "", ""
		return nil
	}
	position := slices.Index([]string{"user", "role", "type", "level"}, part)
	if position < 0 || word == "" || position < 3 && strings.Contains(word, ":") {
		return fmt.Errorf("label %q: use disable, user:U, role:R, type:T or level:L", value)
	}
	if s.SelinuxLabel == "" {
		s.SelinuxLabel, s.MountLabel = processContext, fileContext
	}
	s.SelinuxLabel = replacePart(s.SelinuxLabel, position, word)
	if part == "level" {
		s.MountLabel = replacePart(s.MountLabel, position, word)
	}
	return nil
}

// replacePart changes one of the four parts user:role:type:level; the level
// may hold colons itself.
func replacePart(context string, position int, word string) string {
	parts := strings.SplitN(context, ":", 4)
	parts[position] = word
	return strings.Join(parts, ":")
}
