package seccomp

import _ "embed"

// builtin is Docker's profile, compiled; go generate makes it.
//
//go:embed default_amd64.bpf
var builtin string
