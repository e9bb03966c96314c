package images

import "io"

// ahead reads a source in a goroutine of its own, some pieces further than its
// reader is. So one processor can hash and store a blob while another unpacks
// it, and neither waits for the other as long as there are pieces in between:
//
//	source ─▶ full ─▶ Read
//	   ▲               │
//	   └──── free ◀────┘
type ahead struct {
	full, free chan []byte // each has room for all pieces, so that no send waits
	piece      []byte      // that is being read, ...
	rest       []byte      // ... and what is left of it
	err        error       // why the source ended, known once full is closed
}

const (
	aheadPieces = 8
	aheadPiece  = 64 << 10
)

// readAhead begins to read. It must be stopped.
func readAhead(source io.Reader) *ahead {
	a := &ahead{full: make(chan []byte, aheadPieces), free: make(chan []byte, aheadPieces)}
	for range aheadPieces {
		a.free <- nil // most layers are small and need few
	}
	go a.fetch(source)
	return a
}

func (a *ahead) fetch(source io.Reader) {
	defer close(a.full)
	for piece := range a.free {
		if piece == nil {
			piece = make([]byte, aheadPiece)
		}
		n, err := source.Read(piece[:aheadPiece])
		a.full <- piece[:n]
		if err != nil {
			a.err = err
			return
		}
	}
}

// Read returns what the source did, and its error behind its last byte. From
// then on the source is the caller's again.
func (a *ahead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.piece != nil {
			a.free <- a.piece
		}
		piece, more := <-a.full
		a.piece, a.rest = piece, piece
		if !more {
			return 0, a.err
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// stop ends the reading and waits until nobody is in the source any more.
func (a *ahead) stop() {
	close(a.free)
	for range a.full {
	}
}
