package cgroups

import (
	"fmt"
	"strconv"
	"strings"
)

// DeviceRule allows or denies the use of devices; see docs/02-cgroups.md, and
// linux.resources.devices of the runtime specification.
//
// Of the rules that speak of a device and of one kind of access to it, the
// last one counts; where none does, the access is denied.
type DeviceRule struct {
	Allow  bool   `json:"allow"`
	Type   string `json:"type,omitempty"`   // "c" for character, "b" for block devices, "a" or "" for both
	Major  *int64 `json:"major,omitempty"`  // which driver; nil or -1 is any
	Minor  *int64 `json:"minor,omitempty"`  // which of the driver's devices; nil or -1 is any
	Access string `json:"access,omitempty"` // of "r" (read), "w" (write) and "m" (mknod); "" is all three
}

// anyNumber is what the runtime specification has for the "*" of a rule.
const anyNumber = -1

// DefaultDeviceRules are what every container gets: it may make any node, since
// packages bring them and backups restore them, but open only those that tell
// nothing about the machine and change nothing in it.
func DefaultDeviceRules() []DeviceRule {
	return []DeviceRule{
		{Allow: false},
		{Allow: true, Type: "c", Access: "m"},
		{Allow: true, Type: "b", Access: "m"},
		AllowDevice("c", 1, 3, "rwm"),           // null
		AllowDevice("c", 1, 5, "rwm"),           // zero
		AllowDevice("c", 1, 7, "rwm"),           // full
		AllowDevice("c", 1, 8, "rwm"),           // random
		AllowDevice("c", 1, 9, "rwm"),           // urandom
		AllowDevice("c", 5, 0, "rwm"),           // tty: the process's own terminal
		AllowDevice("c", 5, 1, "rwm"),           // console, over which the container's terminal is mounted
		AllowDevice("c", 5, 2, "rwm"),           // ptmx
		AllowDevice("c", 136, anyNumber, "rwm"), // the terminals of devpts
	}
}

// AllowDevice is the rule for one device, or with -1 for all numbers.
func AllowDevice(kind string, major, minor int64, access string) DeviceRule {
	return DeviceRule{Allow: true, Type: kind, Major: &major, Minor: &minor, Access: access}
}

// ParseDeviceRule reads a rule that allows, in the words of version 1's files
// and of --device-cgroup-rule: "c 10:229 rwm", "b *:* m", "a".
func ParseDeviceRule(text string) (DeviceRule, error) {
	bad := fmt.Errorf("device rule %q: write type, numbers and access, such as c 10:229 rwm or b 8:* r", text)
	fields := strings.Fields(text)
	if len(fields) == 1 && fields[0] == "a" {
		return DeviceRule{Allow: true, Type: "a"}, nil
	}
	if len(fields) != 3 {
		return DeviceRule{}, bad
	}
	first, second, found := strings.Cut(fields[1], ":")
	major, err1 := parseDeviceNumber(first)
	minor, err2 := parseDeviceNumber(second)
	if !found || err1 != nil || err2 != nil {
		return DeviceRule{}, bad
	}
	rule := DeviceRule{Allow: true, Type: fields[0], Major: major, Minor: minor, Access: fields[2]}
	if rule.validate() != nil {
		return DeviceRule{}, bad
	}
	return rule, nil
}

// ParseDeviceRules reads several.
func ParseDeviceRules(texts []string) (rules []DeviceRule, err error) {
	for _, text := range texts {
		rule, err := ParseDeviceRule(text)
		if err != nil {
			return nil, err
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

func parseDeviceNumber(text string) (*int64, error) {
	if text == "*" {
		return nil, nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	number := int64(n)
	return &number, err
}

// String is the rule as version 1 spells it, after a word of its own.
func (r DeviceRule) String() string {
	verb := "deny "
	if r.Allow {
		verb = "allow "
	}
	kind := r.Type
	if kind == "" {
		kind = "a"
	}
	return fmt.Sprintf("%s%s %s:%s %s", verb, kind, spellNumber(number(r.Major)), spellNumber(number(r.Minor)), r.access())
}

func spellNumber(n int64) string {
	if n == anyNumber {
		return "*"
	}
	return strconv.FormatInt(n, 10)
}

func (r DeviceRule) validate() error {
	switch {
	case r.Type != "" && r.Type != "a" && r.Type != "b" && r.Type != "c":
		return fmt.Errorf("device rule %q: the type must be a, b or c", r)
	case strings.Trim(r.Access, "rwm") != "":
		return fmt.Errorf("device rule %q: the access must be of r, w and m", r)
	case number(r.Major) < anyNumber || number(r.Major) > maxMajor:
		return fmt.Errorf("device rule %q: a major number is from 0 to %d", r, maxMajor)
	case number(r.Minor) < anyNumber || number(r.Minor) > maxMinor:
		return fmt.Errorf("device rule %q: a minor number is from 0 to %d", r, maxMinor)
	}
	return nil
}

func number(n *int64) int64 {
	if n == nil {
		return anyNumber
	}
	return *n
}

func (r DeviceRule) access() deviceAccess {
	if r.Access == "" {
		return accessAll
	}
	var bits deviceAccess
	for i, letter := range accessLetters {
		if strings.ContainsRune(r.Access, letter) {
			bits |= 1 << i
		}
	}
	return bits
}

// deviceAccess has one bit for each kind of access: the kernel's own numbers,
// BPF_DEVCG_ACC_MKNOD, _READ and _WRITE.
type deviceAccess uint8

const (
	accessLetters = "mrw" // in the order of the bits

	accessAll deviceAccess = 1<<len(accessLetters) - 1
)

// String spells them as version 1 does: "rwm".
func (a deviceAccess) String() string {
	var text strings.Builder
	for _, letter := range "rwm" {
		if a&(1<<strings.IndexRune(accessLetters, letter)) != 0 {
			text.WriteRune(letter)
		}
	}
	return text.String()
}
