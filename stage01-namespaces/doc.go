// Package namespaces is stage 1: a process with its own view of the machine.
//
// A namespace wraps one global resource of the kernel (the process ids, the
// mount table, the host name, the network, …) so that the processes within
// see an instance of their own. A process in new namespaces is the beginning
// of every container: Linux has no system call named container.
//
// The package is also the spine of the later stages. It holds the Step and the
// loop that takes steps, Launch and Init on either side of the clone, and the
// two descriptors through which both sides talk:
//
//	parent: Launch                                   child: Init
//	─ takes the steps outside ─                      ─ our own binary again ─
//	clone3 ───────────────────────────────────────▶  starts, waits
//	(cgroup, id mapping, network, …)
//	the Spec, as JSON ────────── descriptor 3 ────▶  reads up to end-of-file
//	                                                 ─ takes the steps inside ─
//	watch, or the failure  ◀──── descriptor 4 ─────  one packet a step
//	end-of-file            ◀─────────────────────────  exec: becomes the command
//	Wait
//
// Read step.go first, then steps.go, clone.go and birth.go, and init.go.
//
// The manual pages behind it: namespaces(7), clone(2), setns(2), unshare(2),
// pid_namespaces(7), user_namespaces(7), mount_namespaces(7), pidfd_open(2),
// pty(7). The chapter is docs/01-namespaces.md.
package namespaces
