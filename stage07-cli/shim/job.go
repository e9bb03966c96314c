package shim

import (
	"encoding/json"

	"cooper/stage07-cli/shim/jsonlog"
	"cooper/stage07-cli/shim/state"
)

// Job is all that a shim must know. It comes over the socket and not from the
// disk, so that a container that is to be removed at its end need not be on the
// disk before it runs.
type Job struct {
	state.Layout

	ID   string          `json:"id"`
	Name string          `json:"name,omitempty"`
	Run  int             `json:"run"` // counts the container's runs from 1
	Spec json.RawMessage `json:"spec"`

	// Socket is the directory in which the shim listens.
	Socket string `json:"socket"`

	// Exec is set for one more process in a running container. It has no
	// records and no log; its end changes nothing of the container.
	Exec bool `json:"exec,omitempty"`

	// Targets are the processes whose namespaces are joined, of which Spec has
	// only the pids: the container's first one for an exec, else those of other
	// containers that it shares namespaces with.
	Targets []state.Task `json:"targets,omitempty"`

	Attach    *Attach        `json:"attach,omitempty"` // the client that sends the job is attached from the start
	Stdin     bool           `json:"stdin,omitempty"`  // the command's input is a pipe
	StdinOnce bool           `json:"stdinOnce,omitempty"`
	Explain   bool           `json:"explain,omitempty"` // report each step
	Log       jsonlog.Limits `json:"log"`

	// AutoRemove removes the container after its end, and these volumes.
	AutoRemove bool     `json:"autoRemove,omitempty"`
	Volumes    []string `json:"volumes,omitempty"`
}

// durability of the records: those of a container that is removed at its end
// mean nothing after a power cut.
func (j *Job) durability() state.Durability {
	if j.AutoRemove {
		return state.Volatile
	}
	return state.Durable
}
