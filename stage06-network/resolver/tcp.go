package resolver

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

const (
	// streamIdle is how long a client may take for its next query. It is on the
	// order of seconds, says RFC 7766, 6.2.3.
	streamIdle = 10 * time.Second
	// maxStreams is how many connections there may be. Further ones wait in the
	// kernel.
	maxStreams = 64
)

// serveTCP takes connections until the socket is closed.
func (r *Resolver) serveTCP() {
	for {
		select {
		case r.streaming <- struct{}{}:
		case <-r.ended.Done():
			return
		}
		conn, err := r.streams.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-r.streaming
			r.pause()
			continue
		}
		r.running.Go(func() {
			defer func() { <-r.streaming }()
			r.serveStream(conn)
		})
	}
}

// pause is for when there is no descriptor left: it is another's that must be
// closed, and nobody tells us when.
func (r *Resolver) pause() {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-r.ended.Done():
	}
}

// serveStream answers the queries of one connection, one after the other.
func (r *Resolver) serveStream(conn *net.TCPConn) {
	defer conn.Close()
	closed := context.AfterFunc(r.ended, func() { conn.Close() })
	defer closed()
	for {
		if err := conn.SetReadDeadline(time.Now().Add(streamIdle)); err != nil {
			return
		}
		message, err := readFramed(conn)
		if err != nil {
			return
		}
		q := parse(message, true)
		if q == nil {
			return
		}
		answer := r.answer(q)
		if answer == nil {
			answer = r.forward(q, true)
		}
		// From now on: the servers may have taken longer than that.
		if err := conn.SetWriteDeadline(time.Now().Add(streamIdle)); err != nil {
			return
		}
		if err := writeFramed(conn, answer); err != nil {
			return
		}
	}
}

// readFramed reads a message that is preceded by its length.
func readFramed(conn io.Reader) ([]byte, error) {
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(length[:]))
	_, err := io.ReadFull(conn, message)
	return message, err
}

// writeFramed writes both in one go, so that they travel in one packet.
func writeFramed(conn io.Writer, message []byte) error {
	_, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...))
	return err
}
