package cgroups

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Pressure tells how long a group's processes waited for what they were short
// of, rather than how much they had: cpu.pressure, memory.pressure and
// io.pressure of version 2. See the kernel's accounting/psi.rst.
type Pressure struct {
	Some Stall `json:"some"` // at least one waited
	Full Stall `json:"full"` // all that weren't idle waited: nothing got done
}

// Stall is a share of the time, in percent over the last 10, 60 and 300
// seconds, and the sum since the group was made.
type Stall struct {
	Avg10  float64 `json:"avg10"`
	Avg60  float64 `json:"avg60"`
	Avg300 float64 `json:"avg300"`
	Total  uint64  `json:"total"` // µs
}

// readPressure returns nil where the kernel doesn't tell: without CONFIG_PSI
// there is no file, and without psi=1, which some distributions' kernels want,
// reading it is EOPNOTSUPP.
func readPressure(dir, file string) (*Pressure, error) {
	f, err := os.Open(filepath.Join(dir, file))
	if err != nil {
		return nil, ifPresent(err)
	}
	defer f.Close()
	p, err := parsePressure(f)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return p, nil
}

// parsePressure reads
//
//	some avg10=0.00 avg60=1.50 avg300=0.31 total=1234567
//	full avg10=0.00 avg60=0.00 avg300=0.00 total=0
//
// of which cpu.pressure had only the first line before Linux 5.13.
func parsePressure(r io.Reader) (*Pressure, error) {
	var p Pressure
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		var kind string
		var s Stall
		if !scan(lines.Text(), "%s avg10=%f avg60=%f avg300=%f total=%d", &kind, &s.Avg10, &s.Avg60, &s.Avg300, &s.Total) {
			return nil, fmt.Errorf("unexpected line %q", lines.Text())
		}
		switch kind {
		case "some":
			p.Some = s
		case "full":
			p.Full = s
		}
	}
	return &p, lines.Err()
}
