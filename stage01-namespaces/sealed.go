package namespaces

import (
	_ "unsafe" // for go:linkname

	"golang.org/x/sys/unix"
)

// Pin keeps Go's scheduler away from the child's thread, from the first step of
// the seal to the exec. Otherwise Go has a goroutine that has run for 10 ms give
// way to others at its next function call, and wakes another thread for them:
// with futex(2), which a filter may forbid, and with clone(2), which a limit may.
// Its other way, a signal at any instruction, has ended with
// namespaces/sigaction.
//
// From here on the child must make its system calls raw: at the end of any other
// the scheduler may come in, and finds that it may not.
//
// Go's own sync.Pool pins in this way; the language has no word for it.
func Pin() { procPin() }

//go:linkname procPin runtime.procPin
func procPin() int

// Call is a system call that is made between a seal (see Exec) and the
// command's first own one.
type Call struct {
	Name   string
	Number uintptr
	Args   []uint64 // those that are known beforehand
	Why    string   // "…, with which …"
}

// SealedCalls lists them, so that a seal that forbids one can be refused while
// there is somebody to tell. Without an init there are hardly any.
func SealedCalls(s *Spec) []Call {
	calls := []Call{
		{"write", unix.SYS_WRITE, []uint64{eventsFD}, "a container tells that it starts"},
		{"execve", unix.SYS_EXECVE, nil, "every container begins"},
		{"exit_group", unix.SYS_EXIT_GROUP, nil, "a container ends whose command can't be executed"},
	}
	if s.HoldExec {
		calls = append(calls, Call{"read", unix.SYS_READ, []uint64{eventsFD}, "a container waits for the last of its limits"})
	}
	if s.Ourselves {
		calls = append(calls, Call{"execveat", unix.SYS_EXECVEAT, []uint64{exeFD}, "our own program begins"})
	}
	if !s.Init {
		return calls
	}
	return append(calls,
		Call{"execveat", unix.SYS_EXECVEAT, []uint64{exeFD}, "the init begins"},
		// What no Go program starts without.
		Call{"mmap", unix.SYS_MMAP, nil, "the init gets its memory"},
		Call{"rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, nil, "the init receives signals"},
		Call{"rt_sigaction", unix.SYS_RT_SIGACTION, nil, "the init receives signals"},
		Call{"rt_sigreturn", unix.SYS_RT_SIGRETURN, nil, "the init receives signals"},
		Call{"sigaltstack", unix.SYS_SIGALTSTACK, nil, "the init receives signals"},
		Call{"gettid", unix.SYS_GETTID, nil, "the init makes its threads"},
		Call{"clone", unix.SYS_CLONE, []uint64{threadFlags}, "the init makes its threads"},
		Call{"futex", unix.SYS_FUTEX, nil, "the init's threads wait for each other"},
		Call{"fcntl", unix.SYS_FCNTL, nil, "the init looks at its descriptors"},
		// And what ours does.
		Call{"clone", unix.SYS_CLONE, []uint64{unix.CLONE_VFORK | unix.CLONE_VM | uint64(unix.SIGCHLD)}, "the init starts the command"},
		Call{"pipe2", unix.SYS_PIPE2, nil, "the init starts the command"},
		Call{"read", unix.SYS_READ, nil, "the init starts the command"},
		Call{"close", unix.SYS_CLOSE, nil, "the init starts the command"},
		Call{"wait4", unix.SYS_WAIT4, nil, "the init collects what has ended"},
		Call{"kill", unix.SYS_KILL, nil, "the init passes signals on"},
	)
}

// threadFlags are those with which Go's runtime clones a thread.
const threadFlags = unix.CLONE_VM | unix.CLONE_FS | unix.CLONE_FILES | unix.CLONE_SIGHAND | unix.CLONE_SYSVSEM | unix.CLONE_THREAD
