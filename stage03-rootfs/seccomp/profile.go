package seccomp

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Profile is a list of rules, in the words of the runtime specification
// (linux.seccomp) and in those that Docker's profiles add: archMap, includes
// and excludes. What no rule is about gets the default action.
type Profile struct {
	DefaultAction   string `json:"defaultAction"` // "SCMP_ACT_ERRNO", …
	DefaultErrnoRet *uint  `json:"defaultErrnoRet,omitempty"`

	// Architectures are those whose system calls may be made at all:
	// "SCMP_ARCH_X86_64". The machine's own is always one. ArchMap says which
	// others go with it, so that one profile is good for several machines.
	Architectures []string  `json:"architectures,omitempty"`
	ArchMap       []SubArch `json:"archMap,omitempty"`

	Flags    []string `json:"flags,omitempty"`
	Syscalls []Rule   `json:"syscalls"`
}

// SubArch names the architectures whose programs a machine also runs.
type SubArch struct {
	Arch      string   `json:"architecture"`
	SubArches []string `json:"subArchitectures"`
}

// Rule is an action for system calls: for any call of those names, or only if
// Args are met. Includes and Excludes decide, when the profile is compiled,
// whether the rule exists.
type Rule struct {
	Name     string      `json:"name,omitempty"` // the old spelling of Names with one name
	Names    []string    `json:"names,omitempty"`
	Action   string      `json:"action"`
	ErrnoRet *uint       `json:"errnoRet,omitempty"`
	Args     []Condition `json:"args,omitempty"`
	Comment  string      `json:"comment,omitempty"`
	Includes *Filter     `json:"includes,omitempty"`
	Excludes *Filter     `json:"excludes,omitempty"`
}

// Condition compares one argument of the call with a number. With
// SCMP_CMP_MASKED_EQ, Value is the mask and ValueTwo what is left under it.
type Condition struct {
	Index    uint   `json:"index"` // 0 to 5
	Value    uint64 `json:"value"`
	ValueTwo uint64 `json:"valueTwo,omitempty"`
	Op       string `json:"op"` // "SCMP_CMP_EQ", …
}

// Filter is what a rule can depend on: the container's capabilities, the
// machine, the kernel.
type Filter struct {
	Caps      []string `json:"caps,omitempty"`
	Arches    []string `json:"arches,omitempty"`    // in Go's words, but "x86" for 386
	MinKernel string   `json:"minKernel,omitempty"` // "4.8"
}

// maxProfile bounds what Parse reads, in bytes. Docker's profile has 18,000.
const maxProfile = 1 << 20

// Parse reads a profile, and refuses what is none. What its words mean comes
// out in Compile.
func Parse(r io.Reader) (*Profile, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxProfile+1))
	if err != nil {
		return nil, fmt.Errorf("read seccomp profile: %w", err)
	}
	if len(text) > maxProfile {
		return nil, fmt.Errorf("read seccomp profile: longer than %d bytes", maxProfile)
	}
	var p Profile
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, fmt.Errorf("parse seccomp profile: %w", err)
	}
	// Docker takes an empty profile for none. We don't: who names a file
	// wants a filter, and "unconfined" is the word for the other wish.
	if p.DefaultAction == "" {
		return nil, errors.New("parse seccomp profile: it has no defaultAction")
	}
	return &p, nil
}
