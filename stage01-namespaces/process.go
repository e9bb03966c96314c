package namespaces

import (
	"os"
)

// Process is a container's first process as its parent holds it.
//
// The zero value is ready: set what the command is to read and write, pass it
// to the stage's Outside, and Launch.
type Process struct {
	Stdin, Stdout, Stderr *os.File // nil is /dev/null

	// Watch is told of every step, outside and inside; nil for silence.
	Watch func(Event)

	// Cgroup is an open cgroup v2 directory that the child is born into
	// (CLONE_INTO_CGROUP); nil is the parent's own. Set by stage 2.
	Cgroup *os.File

	Pid     int      // in the parent's pid namespace; set by namespaces/clone
	Pidfd   *os.File // refers to the process even after its pid is reused; see pidfd_open(2)
	Console *os.File // with Spec.Terminal: the terminal's master end; set by Launch
}
