package engine

import (
	"errors"
	"fmt"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/shim"
)

// Errors by meaning, for errors.Is. The text that the user reads is Docker's.
var (
	ErrNotFound   = errors.New("not found")                           // no such container, image or volume
	ErrNoImage    = fmt.Errorf("no such image: %w", ErrNotFound)      // so that the caller can pull it
	ErrConflict   = errors.New("conflict")                            // the name is taken, the thing is in use
	ErrForbidden  = errors.New("forbidden")                           // nobody may do that
	ErrNotRunning = errors.New("not running")                         // the container must run for this
	ErrInvalid    = errors.New("invalid")                             // no state could meet the request
	ErrAmbiguous  = fmt.Errorf("ambiguous id prefix: %w", ErrInvalid) // several ids begin so
)

// told is an error whose text is the whole message, and whose meaning is one
// of the above.
type told struct {
	text    string
	meaning error
}

func (t *told) Error() string { return t.text }
func (t *told) Unwrap() error { return t.meaning }

func tell(meaning error, format string, args ...any) error {
	return &told{fmt.Sprintf(format, args...), meaning}
}

// ExitCode is the command line's exit code for an error of Run, Create, Start
// or Exec: 127 if the command wasn't found, 126 if it couldn't be executed,
// else 125; 0 for nil.
func ExitCode(err error) int {
	failure := new(shim.Failure)
	switch {
	case err == nil:
		return 0
	case errors.As(err, &failure) && failure.ExitCode != 0:
		return failure.ExitCode
	default:
		return namespaces.ExitEngine
	}
}
