package firewall

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// iptables-legacy keeps its rules in the older ip_tables. That has no rules to
// be added: a table is read whole and written whole, by two options of a raw
// socket (linux/netfilter_ipv4/ip_tables.h). The kernel exchanges the old table
// for the new one at once, and no packet sees half of one.
//
// It refuses to, with EAGAIN, if the old one has another number of entries than
// we say. Against two that write at once there is a lock by agreement, which
// iptables takes as well.
type legacy struct {
	family int    // unix.AF_INET, …
	level  int    // of the options
	names  string // in /proc/net: the tables that there are
	layout
}

var bothLegacy = []legacy{
	{unix.AF_INET, unix.SOL_IP, "ip_tables_names", ipv4Layout},
	{unix.AF_INET6, unix.SOL_IPV6, "ip6_tables_names", ipv6Layout},
}

// Options, by the numbers that both families have.
const (
	soGetInfo     = 64
	soGetEntries  = 65
	soSetReplace  = 64
	soAddCounters = 65
)

// Bytes before the entries, in struct ipt_get_entries and ipt_replace, and the
// counters, in xt_counters_info.
const (
	tableNameLen   = 32
	getEntriesHead = tableNameLen + 8
	replaceHead    = 96
	countersHead   = tableNameLen + 8
	counterLen     = 16
)

// exists tells whether there is a table filter. To ask by the socket would make
// the kernel load the module, and the table with it.
func (l legacy) exists() (bool, error) {
	file, err := os.Open("/proc/thread-self/net/" + l.names)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("list tables of iptables-legacy: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if lines.Text() == filterTable {
			return true, nil
		}
	}
	return false, lines.Err()
}

// change does in FORWARD what the plan says, in one exchange.
func (l legacy) change(p pattern, todo plan) error {
	there, err := l.exists()
	if err != nil || !there {
		return err
	}
	socket, err := unix.Socket(l.family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return fmt.Errorf("open iptables-legacy: %w", err)
	}
	defer unix.Close(socket)
	for try := 0; ; try++ {
		b, err := l.read(socket)
		if err != nil {
			return fmt.Errorf("read iptables-legacy: %w", err)
		}
		what, err := todo(b.forward())
		if err != nil || what.empty() {
			return err
		}
		err = l.replace(socket, b, what, p)
		if err == nil || try == 10 || !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
}

// read reads the table, in two calls: how large it is, and what is in it. If it
// has grown in between, the kernel says EAGAIN.
//
//	struct ipt_getinfo { name; valid_hooks; hook_entry[5]; underflow[5]; num_entries; size; }
func (l legacy) read(socket int) (*blob, error) {
	for try := 0; ; try++ {
		info := make([]byte, tableNameLen+13*4)
		copy(info, filterTable)
		if _, err := getsockopt(socket, l.level, soGetInfo, info); err != nil {
			return nil, err
		}
		b := &blob{layout: l.layout}
		words := bytes.NewReader(info[tableNameLen:])
		var size uint32
		for _, field := range []any{&b.valid, &b.hooks, &b.underflow, &b.count, &size} {
			if err := binary.Read(words, binary.NativeEndian, field); err != nil {
				return nil, err
			}
		}
		table := make([]byte, getEntriesHead+int(size))
		copy(table, filterTable)
		binary.NativeEndian.PutUint32(table[tableNameLen:], size)
		_, err := getsockopt(socket, l.level, soGetEntries, table)
		if errors.Is(err, unix.EAGAIN) && try < 10 {
			continue
		}
		if err != nil {
			return nil, err
		}
		b.entries = table[getEntriesHead:]
		if !b.sound() {
			return nil, errors.New("a table of another layout than this kernel should have")
		}
		return b, nil
	}
}

// replace writes the table with the change in it.
//
// The new table's counters begin at zero, and the old one's last are handed
// back by the exchange, to be added. A kill in between loses those numbers; no
// rule.
func (l legacy) replace(socket int, b *blob, what change, p pattern) error {
	old := make([]byte, int(b.count)*counterLen)
	was := b.apply(what, p)
	if err := l.exchange(socket, b, old); err != nil {
		return fmt.Errorf("write iptables-legacy: %w", err)
	}
	counters := make([]byte, countersHead+len(was)*counterLen)
	copy(counters, filterTable)
	binary.NativeEndian.PutUint32(counters[tableNameLen:], uint32(len(was)))
	for i, from := range was {
		if from >= 0 {
			copy(counters[countersHead+i*counterLen:], old[from*counterLen:][:counterLen])
		}
	}
	if err := setsockopt(socket, l.level, soAddCounters, counters); err != nil {
		return fmt.Errorf("write counters of iptables-legacy: %w", err)
	}
	return nil
}

// exchange hands the kernel the new table and gets the old one's counters.
//
//	struct ipt_replace { name; valid_hooks; num_entries; size; hook_entry[5];
//		underflow[5]; num_counters; struct xt_counters *counters; entries… }
func (l legacy) exchange(socket int, b *blob, old []byte) error {
	table := make([]byte, tableNameLen, replaceHead+len(b.entries))
	copy(table, filterTable)
	table, err := binary.Append(table, binary.NativeEndian, struct {
		valid, count, size uint32
		hooks, underflow   [unix.NF_INET_NUMHOOKS]uint32
		counters           uint32
	}{b.valid, b.count, uint32(len(b.entries)), b.hooks, b.underflow, uint32(len(old) / counterLen)})
	if err != nil {
		return err
	}
	// The kernel writes through an address inside the message.
	var pinned runtime.Pinner
	defer pinned.Unpin()
	pinned.Pin(&old[0])
	table = binary.NativeEndian.AppendUint64(table, uint64(uintptr(unsafe.Pointer(&old[0]))))
	return setsockopt(socket, l.level, soSetReplace, append(table, b.entries...))
}

func getsockopt(socket, level, option int, value []byte) (int, error) {
	size := uint32(len(value))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&value[0])), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 {
		return 0, os.NewSyscallError("getsockopt", errno)
	}
	return int(size), nil
}

func setsockopt(socket, level, option int, value []byte) error {
	return os.NewSyscallError("setsockopt", unix.SetsockoptString(socket, level, option, string(value)))
}
