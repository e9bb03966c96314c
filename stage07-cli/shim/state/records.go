package state

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Names of the files in a container's directory.
const (
	ConfigFile = "config.json"
	SpecFile   = "spec.json"
	StatusFile = "status.json"
	ExitFile   = "exit.json"
	LogFile    = "log"
	LockFile   = "lock"
	SocketFile = "shim.sock"

	// LooseFile stands beside the socket of a container whose processes don't
	// end with its first one, since it has no pid namespace of its own.
	LooseFile = "loose"
)

// Status is written while a run lasts, by its shim. It is removed as the
// shim's last act, so where it stands beside a dead shim there is something to
// heal.
type Status struct {
	Run       int       `json:"run"` // counts the container's runs from 1
	Shim      Task      `json:"shim"`
	Init      *Task     `json:"init,omitempty"` // the container's first process; nil while it starts
	StartedAt time.Time `json:"startedAt"`
}

// Exit is how a run ended.
type Exit struct {
	Run        int       `json:"run"`
	ExitCode   int       `json:"exitCode"` // 128 + signal for a killed one; 125 to 127 for one that never ran
	OOMKilled  bool      `json:"oomKilled"`
	Error      string    `json:"error,omitempty"`
	StartedAt  time.Time `json:"startedAt"` // zero when the command never ran
	FinishedAt time.Time `json:"finishedAt"`

	// LogErrors counts the records that could not be written to the log, on a
	// full disk for example: the container isn't stopped for that.
	LogErrors int64 `json:"logErrors,omitempty"`
}

// Phase is where a container is in its life.
type Phase string

const (
	Created  Phase = "created"
	Starting Phase = "starting" // its shim lives, its command doesn't run yet
	Running  Phase = "running"
	Exited   Phase = "exited"
	Died     Phase = "died" // its shim is gone without tidying up
	Corrupt  Phase = "corrupt"
)

// Observation is a container as its files and the kernel show it now.
type Observation struct {
	Phase  Phase
	Status *Status // of the run that lasts or wasn't tidied up
	Exit   *Exit   // of the last run that ended
	Err    error   // why Phase is Corrupt
}

// Observe derives the state of the container whose directory this is.
func Observe(dir string) Observation {
	var o Observation
	// The status first: read the other way round, a run that ends in between
	// would show neither.
	status, err := read[Status](dir, StatusFile)
	if err != nil {
		return Observation{Phase: Corrupt, Err: err}
	}
	exit, err := read[Exit](dir, ExitFile)
	if err != nil {
		return Observation{Phase: Corrupt, Status: status, Err: err}
	}
	o.Status, o.Exit = status, exit
	o.Phase = phase(status, exit)
	return o
}

func phase(status *Status, exit *Exit) Phase {
	switch {
	case status == nil && (exit == nil || exit.StartedAt.IsZero()):
		return Created
	case status == nil:
		return Exited
	case !status.Shim.Alive():
		return Died
	case exit != nil && exit.Run == status.Run:
		return Exited
	case status.Init == nil:
		return Starting
	default:
		return Running
	}
}

// read returns nil for a file that isn't there.
func read[T any](dir, name string) (*T, error) {
	record := new(T)
	err := ReadJSON(dir, name, record)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return record, nil
}

// RemoveStatus ends the run on disk.
func RemoveStatus(dir string) error {
	err := os.Remove(filepath.Join(dir, StatusFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
