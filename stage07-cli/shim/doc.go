// Package shim supervises one container: a small process beside it that
// outlives every command of the user's, and is the container's parent.
//
// Why a process at all? A process's exit status goes to its parent and to
// nobody else, and somebody must read its output and hold its terminal. If the
// command line did that, `cooper run -d` could never return; if one daemon did
// it for all, its end would be the end of all.
//
// The shim is our own binary under another name. Main, called first in main,
// recognises it:
//
//	cooper ──spawn, one socket──▶ cooper-shim ──Launch──▶ the container's first process
//	       ──────Job────────────▶                          stdin ◀ stdout ▶ stderr ▶
//	       ◀─────started──────────                          │
//	       ◀═════output═══════════  ── log ◀────────────────┘
//
// It does, in this order: take the job; write status.json; take the steps
// outside; report; then nothing until something happens. When the container has
// ended: the log's last line, exit.json, Undo, status.json away, tell whoever
// waits, end.
//
// If the shim is killed, the kernel kills the container (PR_SET_PDEATHSIG), and
// the next command finds status.json beside a dead shim, and heals.
//
// Everything that one container costs beside its own processes is here, so this
// package avoids what is dear: net, net/http, many goroutines, big buffers.
//
// See prctl(2), unix(7), socketpair(2), pidfd_open(2).
package shim
