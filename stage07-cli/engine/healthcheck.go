package engine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
)

// healthcheckOf reads a Dockerfile's HEALTHCHECK:
//
//	NONE
//	[--interval=30s] [--timeout=30s] [--start-period=0s] [--retries=3] CMD command
//
// What isn't said stays zero, which is "inherit" or else Docker's default.
func healthcheckOf(text string) (*dockerspec.HealthcheckConfig, error) {
	check := new(dockerspec.HealthcheckConfig)
	for strings.HasPrefix(text, "--") {
		flag, rest, _ := strings.Cut(text, " ")
		if err := setHealthFlag(check, flag); err != nil {
			return nil, err
		}
		text = strings.TrimSpace(rest)
	}
	kind, command, _ := strings.Cut(text, " ")
	command = strings.TrimSpace(command)
	switch {
	case strings.EqualFold(kind, "NONE") && command == "":
		check.Test = []string{"NONE"}
	case strings.EqualFold(kind, "CMD") && command != "":
		check.Test = []string{"CMD-SHELL", command}
		if list, ok := jsonList(command); ok {
			check.Test = append([]string{"CMD"}, list...)
		}
	default:
		return nil, fmt.Errorf("write HEALTHCHECK [--interval=D] [--timeout=D] [--start-period=D] [--retries=N] CMD command, or HEALTHCHECK NONE")
	}
	return check, nil
}

func setHealthFlag(check *dockerspec.HealthcheckConfig, flag string) error {
	name, value, _ := strings.Cut(flag, "=")
	if name == "--retries" {
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("%s: write a whole number of at least 0", flag)
		}
		check.Retries = n
		return nil
	}
	times := map[string]*time.Duration{"--interval": &check.Interval, "--timeout": &check.Timeout,
		"--start-period": &check.StartPeriod, "--start-interval": &check.StartInterval}
	into, known := times[name]
	if !known {
		return fmt.Errorf("unknown flag %s", name)
	}
	d, err := time.ParseDuration(value)
	if err != nil || d != 0 && d < time.Millisecond {
		return fmt.Errorf("%s: write a duration of at least 1ms, such as 30s", flag)
	}
	*into = d
	return nil
}
