package engine

import (
	"encoding/json"
	"slices"
	"strings"

	"cooper/stage03-rootfs"
	"cooper/stage06-network"
)

type spec = network.Spec

func encode(s *spec) (json.RawMessage, error) { return json.Marshal(s) }

// setVariable lays one KEY=value over an environment.
func setVariable(env []string, pair string) []string {
	key, _, _ := strings.Cut(pair, "=")
	env = slices.DeleteFunc(slices.Clone(env), func(old string) bool { return strings.HasPrefix(old, key+"=") })
	return append(env, pair)
}

// setDefault adds KEY=value unless there is one.
func setDefault(env []string, pair string) []string {
	key, _, _ := strings.Cut(pair, "=")
	if slices.ContainsFunc(env, func(old string) bool { return strings.HasPrefix(old, key+"=") }) {
		return env
	}
	return append(slices.Clone(env), pair)
}

// allCapabilities is what exec --privileged gives: all that we have ourselves.
func allCapabilities(s *spec) (err error) {
	s.Privileged = true
	s.Capabilities, err = rootfs.HeldCapabilities()
	return err
}
