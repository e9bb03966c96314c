package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Machine is what a group's processor time is compared with: docker stats
// shows the growth of CPUStats.Usage over the growth of CPUTime, times
// OnlineCPUs, as a percentage.
type Machine struct {
	CPUTime    uint64 `json:"cpuTime"` // nanoseconds of all processors since the boot, idle ones too
	OnlineCPUs int    `json:"onlineCpus"`
}

// ReadMachine reads it from /proc/stat.
func ReadMachine() (Machine, error) {
	file, err := os.Open("/proc/stat")
	if err != nil {
		return Machine{}, err
	}
	defer file.Close()
	return parseMachine(file)
}

// parseMachine reads the lines of /proc/stat that begin with cpu, see
// proc_stat(5): first the sum, then each processor that is online.
//
//	cpu  1038 0 4402 1285131 1072 0 63 91 0 0
//	     user nice system idle iowait irq softirq steal guest guest_nice
//	cpu0 511 0 2263 642361 558 0 17 45 0 0
//
// Time stolen by the host isn't ours, and a guest's is in user already; Docker
// adds up the first seven too.
func parseMachine(r io.Reader) (m Machine, err error) {
	const tick = 1e9 / 100 // USER_HZ
	for text := bufio.NewReader(r); ; {
		// Not a line further: the one of all interrupts can be very long.
		if begin, _ := text.Peek(3); string(begin) != "cpu" {
			break
		}
		line, err := text.ReadString('\n')
		fields := strings.Fields(line)
		if err != nil || len(fields) < 8 {
			return Machine{}, fmt.Errorf("read /proc/stat: unexpected line %q", line)
		}
		if fields[0] != "cpu" {
			m.OnlineCPUs++
			continue
		}
		for _, field := range fields[1:8] {
			ticks, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				return Machine{}, fmt.Errorf("read /proc/stat: %w", err)
			}
			m.CPUTime += ticks * tick
		}
	}
	if m.OnlineCPUs == 0 {
		return Machine{}, errors.New("read /proc/stat: it tells of no processor")
	}
	return m, nil
}
