package jsonlog

import (
	"bytes"
	"unicode/utf8"
)

// Lines cuts one stream into records. Give it each piece of output as it comes,
// and Flush at the end.
//
// Its memory is used again for each piece, so that a flood leaves no garbage.
type Lines struct {
	log    *Log
	stream Stream
	begun  []byte // of a line whose end hasn't come; shorter than MaxLine
	whole  [][]byte
}

// Lines returns the cutter for one stream.
func (l *Log) Lines(stream Stream) *Lines { return &Lines{log: l, stream: stream} }

// Add takes a piece of output. All lines that it completes are written at once.
func (l *Lines) Add(piece []byte) {
	whole, rest := l.whole[:0], piece
	if len(l.begun) > 0 {
		l.begun = append(l.begun, piece...)
		rest = l.begun
	}
	for len(rest) > 0 {
		line := nextLine(rest)
		if line == nil {
			break
		}
		whole = append(whole, line)
		rest = rest[len(line):]
	}
	if len(whole) > 0 {
		l.log.write(l.stream, whole)
	}
	l.whole = whole
	l.begun = append(l.begun[:0], rest...) // append moves overlapping memory rightly
}

// Flush writes the last line, which nobody ended.
func (l *Lines) Flush() {
	if len(l.begun) > 0 {
		l.log.write(l.stream, [][]byte{l.begun})
		l.begun = l.begun[:0]
	}
}

// nextLine returns the first record's worth of text: up to the newline, or
// MaxLine bytes of a line that is longer; nil when more must come first. A long
// line isn't cut through a character, which would make both halves invalid.
func nextLine(text []byte) []byte {
	limit := min(len(text), MaxLine)
	if end := bytes.IndexByte(text[:limit], '\n'); end >= 0 {
		return text[:end+1]
	}
	if len(text) < MaxLine {
		return nil
	}
	for cut := limit; cut > limit-utf8.UTFMax; cut-- {
		if cut == len(text) || utf8.RuneStart(text[cut]) {
			// Only at the very end of text can it be unknown what follows.
			if cut < len(text) || utf8.Valid(text[:cut]) {
				return text[:cut]
			}
		}
	}
	return text[:limit]
}
