package engine

import (
	"encoding/json"
	"maps"
	"path"
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
	default:
		return tell(ErrInvalid, "change %q: use CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL, USER, VOLUME or WORKDIR", line)
	}
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
