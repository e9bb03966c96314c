package jsonlog

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

// MaxLine is how much of one line goes into one record: 16 KiB, Docker's too.
const MaxLine = 16 << 10

// Stream is where the command wrote.
type Stream string

const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// Record is one line of the log.
type Record struct {
	Log    string    `json:"log"`
	Raw    []byte    `json:"raw,omitempty"`
	Stream Stream    `json:"stream"`
	Time   time.Time `json:"time"`
}

// Bytes is what the command wrote, exactly.
func (r *Record) Bytes() []byte {
	if r.Raw != nil {
		return r.Raw
	}
	return []byte(r.Log)
}

// parse reads one line. A line that isn't a record comes back as an error: a
// full disk may have cut one short.
func parse(line []byte) (r Record, err error) {
	if err = json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("parse log record: %w", err)
	}
	return r, nil
}

// appendRecord writes one record with its newline.
//
// By hand and not by encoding/json: it is the one thing that the shim does for
// every line of output, and it needs no memory of its own.
func appendRecord(buf []byte, stream Stream, line []byte, now time.Time) []byte {
	buf = append(buf, `{"log":`...)
	buf = appendString(buf, line)
	if !utf8.Valid(line) {
		buf = append(buf, `,"raw":"`...)
		buf = base64.StdEncoding.AppendEncode(buf, line)
		buf = append(buf, '"')
	}
	buf = append(buf, `,"stream":"`...)
	buf = append(buf, stream...)
	buf = append(buf, `","time":"`...)
	buf = now.UTC().AppendFormat(buf, time.RFC3339Nano)
	return append(buf, "\"}\n"...)
}

const hex = "0123456789abcdef"

// appendString writes a JSON string: RFC 8259, section 7. Beyond what that
// demands, U+2028 and U+2029 are escaped, which end a line for JavaScript.
func appendString(buf []byte, text []byte) []byte {
	buf = append(buf, '"')
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			buf = append(buf, `\ufffd`...)
		case r == '"' || r == '\\':
			buf = append(buf, '\\', byte(r))
		case r == '\n':
			buf = append(buf, `\n`...)
		case r == '\r':
			buf = append(buf, `\r`...)
		case r == '\t':
			buf = append(buf, `\t`...)
		case r < 0x20 || r == 0x7f:
			buf = append(buf, `\u00`...)
			buf = append(buf, hex[r>>4], hex[r&0xf])
		case r == '\u2028' || r == '\u2029':
			buf = append(buf, `\u202`...)
			buf = append(buf, hex[r&0xf])
		default:
			buf = append(buf, text[:size]...)
		}
		text = text[size:]
	}
	return append(buf, '"')
}
