package engine

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

var errDetach = errors.New("detach keys")

// parseDetachKeys reads "ctrl-p,ctrl-q" or "a,b,c": each is one byte that the
// terminal sends.
func parseDetachKeys(text string) ([]byte, error) {
	var keys []byte
	for _, key := range strings.Split(text, ",") {
		control, isControl := strings.CutPrefix(key, "ctrl-")
		switch {
		case len(key) == 1:
			keys = append(keys, key[0])
		case isControl && len(control) == 1 && strings.Contains(`abcdefghijklmnopqrstuvwxyz@[\]^_`, control):
			// A terminal sends Ctrl with a key as the key's low five bits.
			keys = append(keys, control[0]&0x1f)
		default:
			return nil, fmt.Errorf("detach keys %q: write letters or ctrl-LETTER with commas between", text)
		}
	}
	return keys, nil
}

// CheckDetachKeys refuses what Streams.DetachKeys can't be.
func CheckDetachKeys(text string) error {
	_, err := parseDetachKeys(text)
	return err
}

// detachable reads input until the detach keys come, one after the other, be it
// in several reads. Keys that only began the sequence are passed on.
type detachable struct {
	in    io.Reader
	keys  []byte
	match int    // how many of the keys have come
	ready []byte // input that may be read
	err   error
}

func (d *detachable) Read(p []byte) (int, error) {
	for len(d.ready) == 0 {
		if d.err != nil {
			return 0, d.err
		}
		buf := make([]byte, len(p))
		n, err := d.in.Read(buf)
		d.err = err
		d.feed(buf[:n])
		if err == io.EOF && d.match > 0 && d.match < len(d.keys) {
			d.ready = append(d.ready, d.keys[:d.match]...)
			d.match = 0
		}
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

func (d *detachable) feed(input []byte) {
	for _, b := range input {
		if b == d.keys[d.match] {
			if d.match++; d.match == len(d.keys) {
				d.err = errDetach
				return
			}
			continue
		}
		d.ready = append(d.ready, d.keys[:d.match]...)
		d.match = 0
		if b == d.keys[0] {
			d.match = 1
			if len(d.keys) == 1 {
				d.err = errDetach
				return
			}
			continue
		}
		d.ready = append(d.ready, b)
	}
}
