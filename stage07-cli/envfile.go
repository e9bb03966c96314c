package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// The environment of a container is built from three places, the later ones
// winning: the image, the files of --env-file, and -e.
//
// A file has a line for each variable, as Docker reads it:
//
//	# a comment
//	NAME=value     taken as it stands: no quotes, no $, no escapes
//	NAME           the value that NAME has where cooper was called, if any
//
// Nothing is expanded on the host, and "export NAME" is refused rather than
// guessed at: the file isn't a shell's.
const envLineLimit = 1 << 20 // bytes; the kernel takes no longer string than 128 KiB anyway

// environment lists KEY=value for the files and the -e flags, in that order.
func environment(files, flags []string, lookup func(string) (string, bool)) ([]string, error) {
	var env []string
	for _, name := range files {
		fromFile, err := openEnvFile(name, lookup)
		if err != nil {
			return nil, err
		}
		env = append(env, fromFile...)
	}
	for _, flag := range flags {
		entry, set, err := envEntry(flag, lookup)
		if err != nil {
			return nil, fmt.Errorf("-e %q: %w", flag, err)
		}
		if set {
			env = append(env, entry)
		}
	}
	return env, nil
}

func openEnvFile(name string, lookup func(string) (string, bool)) ([]string, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read --env-file: %w", err)
	}
	defer file.Close()
	env, err := readEnvFile(file, lookup)
	if err != nil {
		return nil, fmt.Errorf("read --env-file: %s:%w", clean(name), err)
	}
	return env, nil
}

// readEnvFile reads the lines of one file. Its errors begin with the line's
// number.
func readEnvFile(r io.Reader, lookup func(string) (string, bool)) ([]string, error) {
	var env []string
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, envLineLimit)
	number := 0
	for lines.Scan() {
		number++
		line := lines.Bytes()
		if number == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		text := strings.TrimLeft(string(line), " \t")
		if text == "" || text[0] == '#' {
			continue
		}
		entry, set, err := envEntry(text, lookup)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", number, err)
		}
		if set {
			env = append(env, entry)
		}
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return nil, fmt.Errorf("%d: the line is longer than 1 MiB", number+1)
	} else if err != nil {
		return nil, fmt.Errorf("%d: %w", number+1, err)
	}
	return env, nil
}

// envEntry reads NAME=value or NAME; set is false where NAME has no value to
// take.
func envEntry(text string, lookup func(string) (string, bool)) (entry string, set bool, err error) {
	name, _, given := strings.Cut(text, "=")
	switch {
	case name == "":
		return "", false, errors.New("the name of the variable is missing: write NAME=value")
	case strings.ContainsAny(name, " \t\r"):
		return "", false, fmt.Errorf("white space in the name %q: write NAME=value", name)
	case strings.ContainsRune(text, 0):
		return "", false, fmt.Errorf("a NUL byte in the variable %s", clean(name))
	case !utf8.ValidString(text):
		return "", false, fmt.Errorf("the variable %s isn't UTF-8", clean(name))
	case given:
		return text, true, nil
	}
	value, set := lookup(name)
	return name + "=" + value, set, nil
}

// labels reads KEY=value pairs; a key alone has an empty value, as in Docker.
func labels(flags []string) (map[string]string, error) {
	all := make(map[string]string, len(flags))
	for _, flag := range flags {
		key, value, _ := strings.Cut(flag, "=")
		if key == "" {
			return nil, fmt.Errorf("--label %q: the key is missing: write KEY=value", flag)
		}
		all[key] = value
	}
	return all, nil
}
