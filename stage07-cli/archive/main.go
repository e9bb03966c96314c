package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// argv0 is how the process in the container knows what it is.
const argv0 = "cooper-archive"

// Missing is the exit status of that process when its path leads to nothing. The
// usual one of a failure is 1, and standard error tells of it.
const Missing = 2

// The command lines of the process in the container: one describes a file, one
// packs it to standard output, and one unpacks standard input into a directory.
func StatArgs(s Source) []string {
	return []string{argv0, "stat", s.Path, strconv.FormatBool(s.Follow)}
}
func PackArgs(s Source, name string) []string {
	return []string{argv0, "pack", s.Path, strconv.FormatBool(s.Follow), name}
}
func UnpackArgs(dir string) []string { return []string{argv0, "unpack", dir} }

// Main is called early in main, beside namespaces.Init. In an ordinary process
// it returns at once; in one that was given one of these command lines it does
// what that says, and never returns.
func Main() {
	if len(os.Args) < 3 || os.Args[0] != argv0 {
		return
	}
	unix.Umask(0) // files become what the tar says
	err := serve(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	switch {
	case errors.Is(err, errMissing):
		os.Exit(Missing)
	case err != nil:
		os.Exit(1)
	}
	os.Exit(0)
}

// errMissing is that the path of the command line leads to nothing, as opposed
// to one that vanished while a directory was packed.
var errMissing = errors.New("no such file or directory")

func serve(words []string) error {
	task, path := words[0], words[1]
	if task == "unpack" {
		if err := mustBeDir(path); err != nil {
			return err
		}
		_, err := Unpack(os.Stdin, Target{Dir: path})
		return err
	}
	source := Source{Path: path, Follow: words[2] == "true"}
	stat, err := StatOf(source)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, errMissing)
	}
	if err != nil {
		return err
	}
	if task == "stat" {
		return json.NewEncoder(os.Stdout).Encode(stat)
	}
	return Pack(os.Stdout, source, words[3])
}

func mustBeDir(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, errMissing)
	}
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s: not a directory", path)
	}
	return err
}
