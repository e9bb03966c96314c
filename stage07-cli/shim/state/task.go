package state

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Task names one process for ever. A pid alone is used again after the process
// has ended; together with its start time, the boot and the pid namespace it
// is not.
type Task struct {
	Pid   int    `json:"pid"`
	Start uint64 `json:"start"` // clock ticks after boot; field 22 of /proc/PID/stat, see proc(5)
	Boot  string `json:"boot"`  // /proc/sys/kernel/random/boot_id
	PidNS string `json:"pidns"` // "pid:[4026531836]"
}

// Identify returns the name of a living process.
func Identify(pid int) (Task, error) {
	start, _, err := readStat(pid)
	if err != nil {
		return Task{}, err
	}
	boot, err := BootID()
	if err != nil {
		return Task{}, err
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	return Task{Pid: pid, Start: start, Boot: boot, PidNS: ns}, err
}

// BootID identifies this run of the kernel.
func BootID() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
}

// Alive reports whether the process still runs. A zombie doesn't.
//
// From within another pid namespace nothing can be said of its pid: such a
// process counts as alive, because to believe it dead would tear down a
// running container.
func (t Task) Alive() bool {
	if t.Pid <= 0 || t.RebootedSince() {
		return false
	}
	if t.elsewhere() {
		return true
	}
	start, state, err := readStat(t.Pid)
	return err == nil && start == t.Start && state != 'Z' && state != 'X'
}

// elsewhere reports that the number means nothing here: it was given in another
// pid namespace.
func (t Task) elsewhere() bool {
	ns, err := os.Readlink("/proc/self/ns/pid")
	return err == nil && ns != t.PidNS
}

var errElsewhere = errors.New("it was started in another pid namespace: run this command there")

// RebootedSince reports whether the process belonged to an earlier boot.
func (t Task) RebootedSince() bool {
	boot, err := BootID()
	return err == nil && boot != t.Boot
}

// Open returns a pidfd of the process, which can't come to mean another.
// ESRCH says that it has ended.
func (t Task) Open() (*os.File, error) {
	if t.Pid <= 0 {
		return nil, os.NewSyscallError("pidfd_open", unix.ESRCH)
	}
	if t.elsewhere() {
		return nil, fmt.Errorf("process %d: %w", t.Pid, errElsewhere)
	}
	fd, err := unix.PidfdOpen(t.Pid, 0)
	if err == unix.EINVAL { // so says Linux 6.1 as long as somebody holds a pidfd of a process that was reaped
		err = unix.ESRCH
	}
	if err != nil {
		return nil, os.NewSyscallError("pidfd_open", err)
	}
	// Looked at after the pidfd exists: if it is our process now, it is ours for good.
	if !t.Alive() {
		unix.Close(fd)
		return nil, os.NewSyscallError("pidfd_open", unix.ESRCH)
	}
	return os.NewFile(uintptr(fd), "pidfd"), nil
}

// Namespace opens a namespace of the process by its name in /proc/PID/ns, see
// namespaces(7). ESRCH says that it has ended.
func (t Task) Namespace(name string) (*os.File, error) {
	if t.elsewhere() {
		return nil, fmt.Errorf("process %d: %w", t.Pid, errElsewhere)
	}
	namespace, err := os.Open(fmt.Sprintf("/proc/%d/ns/%s", t.Pid, name))
	// If it's our process by now, it was when the file was opened. One that ends
	// gives up its namespaces a moment before it counts as dead.
	if !t.Alive() || errors.Is(err, fs.ErrNotExist) {
		namespace.Close()
		return nil, os.NewSyscallError("open", unix.ESRCH)
	}
	return namespace, err
}

// Signal sends a signal to the process, and to no other that has its pid now.
func (t Task) Signal(sig unix.Signal) error {
	pidfd, err := t.Open()
	if err != nil {
		return err
	}
	defer pidfd.Close()
	return os.NewSyscallError("pidfd_send_signal", unix.PidfdSendSignal(int(pidfd.Fd()), sig, nil, 0))
}

func readStat(pid int) (start uint64, state byte, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0, err
	}
	return parseStat(text)
}

// parseStat reads two fields of /proc/PID/stat, see proc(5):
//
//	pid (comm) state ppid … starttime …
//	 1    2      3    4       22
//
// comm is whatever the process likes, spaces and brackets too, so the fields
// are counted from the last bracket.
func parseStat(text []byte) (start uint64, state byte, err error) {
	bracket := bytes.LastIndexByte(text, ')')
	if bracket < 0 {
		return 0, 0, errors.New("parse stat: no command name")
	}
	fields := bytes.Fields(text[bracket+1:])
	if len(fields) < 20 {
		return 0, 0, fmt.Errorf("parse stat: %d fields after the name", len(fields))
	}
	start, err = strconv.ParseUint(string(fields[19]), 10, 64)
	return start, fields[0][0], err
}
