package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// iptables-legacy's rules are not nftables', and nobody reports them. But they
// count: a rule that drops, and whose counter went up while our packet got lost,
// is the one, or on a busy host one of a few.

// legacyRule is a rule or a chain's policy that drops or rejects.
type legacyRule struct {
	program string // iptables or ip6tables
	table   string
	chain   string
	number  int // as `iptables-legacy -L --line-numbers` has it; 0 is the policy
	target  string
	packets uint64
}

func (r legacyRule) position() string {
	if r.number == 0 {
		return "the policy of chain " + r.chain
	}
	return fmt.Sprintf("rule %d of chain %s", r.number, r.chain)
}

func (r legacyRule) text() string {
	if r.number == 0 {
		return "-P " + r.chain + " " + r.target
	}
	return fmt.Sprintf("rule %d: -j %s (`%s-legacy -S %s %[1]d` prints it)", r.number, r.target, r.program, r.chain)
}

// legacyRules lists what drops, of both versions of IP.
func legacyRules() (rules []legacyRule) {
	for _, version := range []legacyVersion{ip4tables, ip6tables} {
		for _, table := range version.tables() {
			rules = append(rules, version.read(table)...)
		}
	}
	return rules
}

// counted returns the rules that counted a packet since.
func counted(before, after []legacyRule) []legacyRule {
	return slices.DeleteFunc(after, func(rule legacyRule) bool {
		return slices.ContainsFunc(before, func(then legacyRule) bool { return then == rule })
	})
}

func legacyTables() []string { return append(ip4tables.tables(), ip6tables.tables()...) }

// legacyVersion is how the two programs' structures differ: where in struct
// ipt_entry or ip6t_entry what stands, see linux/netfilter_ipv4/ip_tables.h.
type legacyVersion struct {
	program       string
	names         string // lists the tables that there are; reading it makes none
	family, level int
	offsets       int // of target_offset and next_offset, 2 bytes each
	counter, size int
}

var (
	ip4tables = legacyVersion{"iptables", "ip_tables_names", unix.AF_INET, unix.IPPROTO_IP, 88, 96, 112}
	ip6tables = legacyVersion{"ip6tables", "ip6_tables_names", unix.AF_INET6, unix.IPPROTO_IPV6, 140, 152, 168}
)

func (v legacyVersion) tables() []string {
	names, _ := os.ReadFile("/proc/thread-self/net/" + v.names)
	return strings.Fields(string(names))
}

// Of struct ipt_getinfo and ipt_get_entries: the table's name; then where each
// of the five hooks begins, and where its policy stands; then how large all is.
const (
	getInfo, getEntries       = 64, 65 // IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES
	nameSize                  = 32
	infoSize                  = 84
	infoHooks                 = 32
	infoEntries               = 36
	infoPolicies              = 56
	infoBytes                 = 80
	entriesHeader             = 40
	targetHeader              = 32
	verdictDrop         int32 = -1 // -NF_DROP - 1
)

func (v legacyVersion) read(table string) (rules []legacyRule) {
	socket, err := unix.Socket(v.family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		return nil
	}
	defer unix.Close(socket)
	info := make([]byte, infoSize)
	copy(info, table)
	if getsockopt(socket, v.level, getInfo, info) != nil {
		return nil
	}
	size := binary.NativeEndian.Uint32(info[infoBytes:])
	entries := make([]byte, entriesHeader+int(size))
	copy(entries, table)
	binary.NativeEndian.PutUint32(entries[nameSize:], size)
	if getsockopt(socket, v.level, getEntries, entries) != nil {
		return nil // changed meanwhile
	}
	return v.parse(table, info, entries[entriesHeader:])
}

func getsockopt(socket, level, option int, value []byte) error {
	length := uint32(len(value))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(socket), uintptr(level), uintptr(option),
		uintptr(unsafe.Pointer(&value[0])), uintptr(unsafe.Pointer(&length)), 0)
	if errno != 0 {
		return os.NewSyscallError("getsockopt", errno)
	}
	return nil
}

// parse walks the entries. A chain of the kernel's begins at its hook's offset,
// one of the user's at an entry whose target ERROR holds its name.
func (v legacyVersion) parse(table string, info, entries []byte) (rules []legacyRule) {
	chain, number := "", 0
	for at := 0; at+v.size <= len(entries); {
		entry := entries[at:]
		target, next := int(binary.NativeEndian.Uint16(entry[v.offsets:])), int(binary.NativeEndian.Uint16(entry[v.offsets+2:]))
		if next < v.size || next > len(entry) || target+targetHeader > next {
			return rules // not as the header says
		}
		if hook, begins := hookAt(info, infoEntries, at); begins {
			chain, number = strings.ToUpper(hooks[hook]), 0
		}
		number++
		name, value := cString(entry[target+2:target+31]), entry[target+targetHeader:next]
		rule := legacyRule{v.program, table, chain, number, name, binary.NativeEndian.Uint64(entry[v.counter:])}
		if _, policy := hookAt(info, infoPolicies, at); policy {
			rule.number = 0
		}
		switch {
		case name == "ERROR":
			chain, number = cString(value), 0
		case name == "REJECT":
			rules = append(rules, rule)
		case name == "" && len(value) >= 4 && int32(binary.NativeEndian.Uint32(value)) == verdictDrop:
			rule.target = "DROP"
			rules = append(rules, rule)
		}
		at += next
	}
	return rules
}

// hookAt finds whose offset it is, among the hooks that the table has.
func hookAt(info []byte, offsets, at int) (hook int, found bool) {
	has := binary.NativeEndian.Uint32(info[infoHooks:])
	for hook := range hooks {
		if has&(1<<hook) != 0 && binary.NativeEndian.Uint32(info[offsets+hook*4:]) == uint32(at) {
			return hook, true
		}
	}
	return 0, false
}

func cString(data []byte) string {
	text, _, _ := bytes.Cut(data, []byte{0})
	return string(text)
}
