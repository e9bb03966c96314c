package engine

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"cooper/stage05-images"
)

// applyChange applies one line of a Dockerfile to a configuration, those that
// `commit --change` allows.
func applyChange(run *images.RunConfig, line string) error {
	instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	if rest == "" {
		return tell(ErrInvalid, "change %q: write an instruction and its value, as in a Dockerfile", line)
	}
	switch strings.ToUpper(instruction) {
	case "CMD":
		run.Cmd = commandOf(rest)
	case "ENTRYPOINT":
		run.Entrypoint = commandOf(rest)
	case "USER":
		run.User = rest
	case "WORKDIR":
		run.WorkingDir = path.Join("/", run.WorkingDir, rest)
		if path.IsAbs(rest) {
			run.WorkingDir = path.Clean(rest)
		}
	case "STOPSIGNAL":
		if _, err := parseSignal(rest); err != nil {
			return err
		}
		run.StopSignal = rest
	case "ENV":
		return eachPair(line, rest, func(key, value string) { run.Env = setVariable(run.Env, key+"="+value) })
	case "LABEL":
		run.Labels = maps.Clone(run.Labels)
		return eachPair(line, rest, func(key, value string) { put(&run.Labels, key, value) })
	case "EXPOSE":
		run.ExposedPorts = maps.Clone(run.ExposedPorts)
		for port := range strings.FieldsSeq(rest) {
			if !strings.Contains(port, "/") {
				port += "/tcp"
			}
			put(&run.ExposedPorts, port, struct{}{})
		}
	case "VOLUME":
		run.Volumes = maps.Clone(run.Volumes)
		places := strings.Fields(rest)
		if list, ok := jsonList(rest); ok {
			places = list
		}
		for _, place := range places {
			put(&run.Volumes, place, struct{}{})
		}
	case "HEALTHCHECK":
		check, err := healthcheckOf(rest)
		if err != nil {
			return tell(ErrInvalid, "change %q: %s", line, err)
		}
		run.Healthcheck = check
	case "ONBUILD":
		return addOnBuild(run, line, rest)
	default:
		return tell(ErrInvalid, "change %q: use CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR", line)
	}
	return nil
}

// addOnBuild notes an instruction for whoever builds upon the image. It is
// carried out then, so here only what can never be one is refused.
func addOnBuild(run *images.RunConfig, line, instruction string) error {
	switch word, _, _ := strings.Cut(instruction, " "); strings.ToUpper(word) {
	case "ONBUILD":
		return tell(ErrInvalid, "change %q: chaining ONBUILD via ONBUILD isn't allowed", line)
	case "FROM", "MAINTAINER":
		return tell(ErrInvalid, "change %q: %s isn't allowed as an ONBUILD trigger", line, strings.ToUpper(word))
	}
	run.OnBuild = append(slices.Clone(run.OnBuild), instruction)
	return nil
}

func put[V any](m *map[string]V, key string, value V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = value
}

// commandOf reads both of a Dockerfile's forms: ["a", "b"] is the command
// itself, anything else is for a shell.
func commandOf(text string) []string {
	if list, ok := jsonList(text); ok {
		return list
	}
	return []string{"/bin/sh", "-c", text}
}

func jsonList(text string) (list []string, ok bool) {
	return list, strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &list) == nil
}

// eachPair reads KEY=VALUE KEY="a b" …, or the old form KEY VALUE.
func eachPair(line, text string, use func(key, value string)) error {
	key, value, _ := strings.Cut(text, " ")
	if !strings.Contains(key, "=") {
		use(key, strings.TrimSpace(value))
		return nil
	}
	words, err := splitWords(text)
	if err != nil {
		return tell(ErrInvalid, "change %q: %s", line, err)
	}
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || key == "" {
			return tell(ErrInvalid, "change %q: %q is not KEY=VALUE", line, word)
		}
		use(key, value)
	}
	return nil
}
