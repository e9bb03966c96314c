package namespaces

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// initName is what the child's argv[0] is, so that Init knows it.
const initName = "container-init"

// Init must be the first line of every program (and TestMain) that launches
// containers. In an ordinary process it returns at once. In the child that
// Launch made, it reads the outermost stage's Spec, takes that stage's steps
// inside, becomes the command, and never returns.
func Init[S any](inside func(*S) []Step) {
	if len(os.Args) > 3 && os.Args[0] == reaperName {
		runtime.LockOSThread() // children belong to the thread that made them: to this one, PID 1
		err := asStepError(stepExec, superviseAsInit(os.Args[1] == "true", os.Args[2], os.Args[3:]))
		reportFailure(err)
		os.Exit(ExitCode(err))
	}
	if len(os.Args) != 1 || os.Args[0] != initName {
		return
	}
	// Namespaces, ids and capabilities belong to the thread that asks for them.
	runtime.LockOSThread()
	err := enter(inside)
	reportFailure(err)
	os.Exit(ExitCode(err))
}

func enter[S any](inside func(*S) []Step) error {
	if err := hide(); err != nil {
		return asStepError(stepSendSpec, err)
	}
	unix.CloseOnExec(specFD)
	unix.CloseOnExec(eventsFD)
	unix.CloseOnExec(exeFD)
	var spec S
	if err := readSpec(&spec); err != nil {
		return asStepError(stepSendSpec, err)
	}
	stage, isStage := any(&spec).(interface{ Base() *Spec })
	if !isStage {
		return asStepError(stepSendSpec, fmt.Errorf("%T doesn't embed namespaces.Spec", spec))
	}
	base := stage.Base()
	if err := lowerFileLimit(); err != nil {
		return asStepError(stepSendSpec, err)
	}
	if err := Take(inside(&spec), insideWatch(base)); err != nil {
		return explainStep(base, err)
	}
	return asStepError(stepExec, errors.New("no step became the command")) // the last of every list does
}

// hide makes us non-dumpable: a process that has no CAP_SYS_PTRACE over our
// user namespace may not attach to us, nor look at our descriptors and memory,
// though it has the same ids and as many capabilities. A container that we join
// would otherwise find in one of us, who has yet to be confined, its way out. It
// ends with the exec of the command; see PR_SET_DUMPABLE in prctl(2), and the
// comment on birth for the time before.
func hide() error {
	return os.NewSyscallError("prctl PR_SET_DUMPABLE", unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0))
}

// readSpec waits for the Spec. End-of-file without one means that the parent
// gave up, or was killed: then there is nothing to become.
func readSpec(spec any) error {
	file := os.NewFile(specFD, "spec")
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return errors.New("the parent ended before it sent the Spec")
	}
	return json.Unmarshal(text, spec)
}

// insideWatch reports each step to the parent, if it wants to know. The exec is
// reported by itself, in any case.
func insideWatch(s *Spec) func(Event) {
	if !s.Explain {
		return nil
	}
	return func(e Event) {
		if e.Step == stepExec {
			return
		}
		e.Inside = true
		report(message{Event: e})
	}
}

// defaultOpenFiles is the soft limit that the kernel gives to its first
// process (INR_OPEN_CUR), and that programs which still use select(2) rely on.
const defaultOpenFiles = 1024

// lowerFileLimit puts the soft limit on open files back: Go's runtime raises
// it to the hard limit in every Go program, us and the parent, and a command
// must not inherit that.
func lowerFileLimit() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	limit.Cur = min(limit.Max, defaultOpenFiles)
	return os.NewSyscallError("setrlimit", unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
}
