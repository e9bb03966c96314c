//go:build !amd64 && !arm64

package seccomp

// builtin is empty: on these machines the profile is compiled when it is needed.
const builtin = ""
