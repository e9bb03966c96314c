package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// write puts a value into one of a group's files, with one write(2): the
// kernel takes each write as one request.
//
// The file must be there, and os.WriteFile would ask to create it; it would
// also offer the file to Go's poller, which is of no use here.
func write(dir, file, value string) error {
	path := filepath.Join(dir, file)
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(value)); err != nil {
		return &os.PathError{Op: "write " + value + " to", Path: path, Err: err}
	}
	return nil
}

// writeNumber writes a limit; what stands for none is given by the caller,
// since the two versions differ: "max" and "-1".
func writeNumber(dir, file string, value int64, none string) error {
	if value == Unlimited {
		return write(dir, file, none)
	}
	return write(dir, file, strconv.FormatInt(value, 10))
}

func read(dir, file string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dir, file))
	return strings.TrimSpace(string(text)), err
}

// readNumber reads a file with one number in it, or "max", which is 0 here:
// no limit.
func readNumber(dir, file string) (uint64, error) {
	text, err := read(dir, file)
	if err != nil {
		return 0, err
	}
	n, err := parseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", filepath.Join(dir, file), err)
	}
	return n, nil
}

// parseNumber takes for no limit also what version 1 says instead of "max", the
// largest number of whole pages.
func parseNumber(text string) (uint64, error) {
	if text == "max" {
		return 0, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n >= 1<<62 {
		return 0, err
	}
	return n, nil
}

func readInto(n *uint64, dir, file string) (err error) {
	*n, err = readNumber(dir, file)
	return err
}

// readNumbers reads a file with a row of numbers, such as cpuacct.usage_percpu.
func readNumbers(dir, file string) ([]uint64, error) {
	text, err := read(dir, file)
	if err != nil {
		return nil, err
	}
	var row []uint64
	for _, field := range strings.Fields(text) {
		n, err := parseNumber(field)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, file), err)
		}
		row = append(row, n)
	}
	return row, nil
}

// readTable reads a file of lines "key number", as memory.stat is one.
func readTable(dir, file string) (map[string]uint64, error) {
	f, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parseTable(f)
}

// parseTable leaves out lines of another form: kernels add some.
func parseTable(r io.Reader) (map[string]uint64, error) {
	table := map[string]uint64{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseUint(value, 10, 64); err == nil {
			table[key] = n
		}
	}
	return table, lines.Err()
}

// gone reports an error that means that the group isn't there, or ceased to
// be while its file was open (ENODEV).
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV)
}

// ifPresent forgives the lack of a file that not every kernel has.
func ifPresent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
