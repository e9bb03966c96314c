package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// ProcessInfo is one process of a container, as the host sees it.
type ProcessInfo struct {
	UID         int
	PID, Parent int
	Started     time.Time
	Terminal    uint64        // its device number; 0 for none
	CPUTime     time.Duration // user and system
	Command     string        // its arguments, or [name] where it has none
}

// Top lists the processes of a running container.
//
// They are those of its cgroup, read from the host's /proc. Nothing is run in
// the container: its ps is whatever the image says it is (CVE-2022-1227).
func (e *Engine) Top(name string) ([]ProcessInfo, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := c.mustRun(); err != nil {
		return nil, err
	}
	group, err := c.group()
	if err != nil {
		return nil, err
	}
	pids, err := group.Procs()
	if err != nil {
		return nil, err
	}
	booted, err := bootTime()
	if err != nil {
		return nil, err
	}
	slices.Sort(pids)
	var list []ProcessInfo
	for _, pid := range pids {
		process, err := processInfo(pid, booted)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		list = append(list, process)
	}
	return list, nil
}

// bootTime is when the clock began that processes' start times are read from.
func bootTime() (time.Time, error) {
	var uptime unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &uptime); err != nil {
		return time.Time{}, os.NewSyscallError("clock_gettime", err)
	}
	return time.Now().Add(-time.Duration(uptime.Nano())), nil
}

func processInfo(pid int, booted time.Time) (ProcessInfo, error) {
	dir := fmt.Sprintf("/proc/%d", pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return ProcessInfo{}, err
	}
	arguments, err := os.ReadFile(dir + "/cmdline")
	if err != nil {
		return ProcessInfo{}, err
	}
	process, err := parseProcess(stat, arguments, booted)
	if err != nil {
		return ProcessInfo{}, err
	}
	var owner unix.Stat_t
	if err := unix.Stat(dir, &owner); err != nil {
		return ProcessInfo{}, &os.PathError{Op: "stat", Path: dir, Err: err}
	}
	process.UID = int(owner.Uid)
	return process, nil
}

// tick is the unit of /proc/PID/stat's times: USER_HZ is 100 on every machine;
// see time(7).
const tick = time.Second / 100

// parseProcess reads /proc/PID/stat and /proc/PID/cmdline, see proc_pid_stat(5):
//
//	pid (comm) state ppid pgrp session tty_nr … utime stime … starttime
//	 1    2      3    4    5      6      7       14    15        22
func parseProcess(stat, cmdline []byte, booted time.Time) (p ProcessInfo, err error) {
	opens, closes := bytes.IndexByte(stat, '('), bytes.LastIndexByte(stat, ')')
	if opens < 0 || closes < opens {
		return p, errors.New("parse stat: no command name")
	}
	fields := bytes.Fields(stat[closes+1:])
	if len(fields) < 20 {
		return p, fmt.Errorf("parse stat: %d fields after the name", len(fields))
	}
	number := func(field int) (n uint64) { // fields are counted from 1, and 3 follows the name
		if err == nil {
			n, err = strconv.ParseUint(string(fields[field-3]), 10, 64)
		}
		return n
	}
	p.Parent, p.Terminal = int(number(4)), number(7)
	p.CPUTime = time.Duration(number(14)+number(15)) * tick
	p.Started = booted.Add(time.Duration(number(22)) * tick)
	if err != nil {
		return p, fmt.Errorf("parse stat: %w", err)
	}
	p.PID, err = strconv.Atoi(string(bytes.TrimSpace(stat[:opens])))
	p.Command = strings.Join(strings.Split(strings.TrimRight(string(cmdline), "\x00"), "\x00"), " ")
	if p.Command == "" {
		p.Command = "[" + string(stat[opens+1:closes]) + "]"
	}
	return p, err
}
