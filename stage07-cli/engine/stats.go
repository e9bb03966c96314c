package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"cooper/stage02-cgroups"
	"cooper/stage06-network"
	"golang.org/x/sys/unix"
)

// Usage is what a container has used until a moment.
type Usage struct {
	ID, Name string
	Running  bool // if not, all below is zero
	Taken    time.Time

	cgroups.Stats
	MemoryLimit uint64 // bytes: the container's, or all that the machine has
	Network     NetworkUsage
}

// NetworkUsage counts what went through the container's interfaces, its
// loopback not among them.
type NetworkUsage struct {
	ReceivedBytes, SentBytes uint64
}

// Stats reads the counters of one container.
func (e *Engine) Stats(name string) (*Usage, error) {
	c, err := e.find(name)
	if err != nil {
		return nil, err
	}
	if err := c.usable(); err != nil {
		return nil, err
	}
	u := &Usage{ID: c.id, Name: c.name(), Taken: time.Now()}
	if !c.running() {
		return u, nil
	}
	group, err := c.group()
	if err == nil {
		u.Stats, err = group.Stats()
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENODEV) {
		return u, nil // it has just ended
	}
	if err != nil {
		return nil, err
	}
	u.Running = true
	if u.MemoryLimit, err = machineMemory(); err != nil {
		return nil, err
	}
	if limit := u.Stats.Memory.Limit; limit > 0 {
		u.MemoryLimit = min(u.MemoryLimit, limit)
	}
	// With the host's network, what is counted isn't the container's alone.
	if c.config.Options.Network != network.Host {
		u.Network, err = networkUsage(c.seen.Status.Init.Pid)
	}
	return u, err
}

func machineMemory() (bytes uint64, err error) {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0, os.NewSyscallError("sysinfo", err)
	}
	return info.Totalram * uint64(info.Unit), nil
}

// networkUsage reads the counters of the network namespace that a process is in.
func networkUsage(pid int) (NetworkUsage, error) {
	file, err := os.Open(fmt.Sprintf("/proc/%d/net/dev", pid))
	if err != nil {
		return NetworkUsage{}, ifRunning(err)
	}
	defer file.Close()
	usage, err := parseNetDev(file)
	return usage, ifRunning(err)
}

// ifRunning forgives that a process has ended while we looked at it.
func ifRunning(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

// parseNetDev adds up /proc/PID/net/dev, see proc_pid_net(5). Two lines of
// headings, then one for each interface:
//
//	eth0: 1296 16 0 0 0 0 0 0  806 11 0 0 0 0 0 0
//	      received bytes first; sent bytes ninth
func parseNetDev(text io.Reader) (usage NetworkUsage, err error) {
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		name, counters, found := strings.Cut(lines.Text(), ":")
		if !found || strings.TrimSpace(name) == "lo" {
			continue
		}
		var received, sent, other uint64
		_, err := fmt.Sscan(counters, &received, &other, &other, &other, &other, &other, &other, &other, &sent)
		if err != nil {
			return usage, fmt.Errorf("read net/dev %q: %w", lines.Text(), err)
		}
		usage.ReceivedBytes += received
		usage.SentBytes += sent
	}
	return usage, lines.Err()
}

// CPUPercent is how much of one processor a container had between two moments,
// in hundredths: 200 is two of them all the time.
func (u *Usage) CPUPercent(before *Usage) float64 {
	elapsed := u.Taken.Sub(before.Taken)
	if elapsed <= 0 || u.CPU.Usage < before.CPU.Usage {
		return 0
	}
	return 100 * float64(u.CPU.Usage-before.CPU.Usage) / float64(elapsed.Nanoseconds())
}

// MemoryPercent is how much of its limit the container uses.
func (u *Usage) MemoryPercent() float64 {
	if u.MemoryLimit == 0 {
		return 0
	}
	return 100 * float64(u.Memory.Working()) / float64(u.MemoryLimit)
}
