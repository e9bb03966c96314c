package engine

import (
	"bytes"
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
		case key == "DEL":
			keys = append(keys, 0x7f)
		default:
			return nil, fmt.Errorf("detach keys %q: unknown key %q: write letters, ctrl-LETTER or DEL with commas between", text, key)
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
	held  []byte // input that begins the sequence, and may yet become it
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
		if d.err != nil && d.err != errDetach {
			d.ready, d.held = append(d.ready, d.held...), nil // nothing more comes
		}
	}
	n := copy(p, d.ready)
	d.ready = d.ready[n:]
	return n, nil
}

// feed takes input. What was held and turns out not to be the sequence is let
// go from the front, only as far as needed: of the keys a,a,b the input aaab
// holds all, behind one more a.
func (d *detachable) feed(input []byte) {
	for _, b := range input {
		d.held = append(d.held, b)
		for !bytes.HasPrefix(d.keys, d.held) {
			d.ready = append(d.ready, d.held[0])
			d.held = d.held[1:]
		}
		if len(d.held) == len(d.keys) {
			d.err = errDetach
			return
		}
	}
}
