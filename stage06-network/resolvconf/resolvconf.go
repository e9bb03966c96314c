// Package resolvconf reads and writes the file that tells programs whom to ask
// for names; see resolv.conf(5).
package resolvconf

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// File is what such a file says:
//
//	nameserver 192.0.2.53
//	search example.org
//	options ndots:2
type File struct {
	Servers []netip.Addr
	Search  []string
	Options []string
}

// Read takes nothing over that it can't read: what comes out holds addresses
// and words, never a raw line.
func Read(from io.Reader) (f File, err error) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		switch fields[0] {
		case "nameserver":
			if ip, err := netip.ParseAddr(fields[1]); err == nil {
				f.Servers = append(f.Servers, ip)
			}
		case "search", "domain": // the last of either counts
			f.Search = fields[1:]
		case "options":
			f.Options = append(f.Options, fields[1:]...)
		}
	}
	return f, lines.Err()
}

func (f File) String() string {
	var text strings.Builder
	for _, ip := range f.Servers {
		fmt.Fprintf(&text, "nameserver %s\n", ip)
	}
	if len(f.Search) > 0 {
		fmt.Fprintf(&text, "search %s\n", strings.Join(f.Search, " "))
	}
	if len(f.Options) > 0 {
		fmt.Fprintf(&text, "options %s\n", strings.Join(f.Options, " "))
	}
	return text.String()
}

// Candidates are the full names to ask for when a program wants this one, in
// order: a name with enough dots (ndots) is asked for as it is before the search
// domains are tried, and one that ends with a dot as it is only.
func (f File) Candidates(name string) []string {
	if strings.HasSuffix(name, ".") {
		return []string{name}
	}
	var names []string
	for _, domain := range f.Search {
		if domain = strings.TrimSuffix(domain, "."); domain != "" { // "." is the root: the name as it is
			names = append(names, name+"."+domain+".")
		}
	}
	if strings.Count(name, ".") >= f.dots() {
		return append([]string{name + "."}, names...)
	}
	return append(names, name+".")
}

// dots is the option ndots, or what it is where nobody says.
func (f File) dots() int {
	dots := 1
	for _, option := range f.Options {
		if number, is := strings.CutPrefix(option, "ndots:"); is {
			dots, _ = strconv.Atoi(number)
		}
	}
	return dots
}
