package resolver

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// ask sends a query to one server as it is, under an ID of our own, and waits
// for the answer, which gets the client's.
//
// An answer in a datagram can come from anybody who says that he is the server
// (RFC 5452). He would have to guess the ID, 16 bits, and the port, which is
// another one each time since the socket is; and to do so before the server
// answers. Being connected, the socket takes nothing from other addresses.
func (r *Resolver) ask(server Server, q *query, tcp bool) (answer []byte, code dnsmessage.RCode, err error) {
	conn, err := r.dial(server, tcp)
	if err != nil {
		return nil, 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, 0, err
	}
	closed := context.AfterFunc(r.ended, func() { _ = conn.SetDeadline(time.Now()) })
	defer closed()

	id := uint16(rand.Uint32()) // from the runtime's ChaCha8, as package net's are
	message := bytes.Clone(q.message)
	setID(message, id)
	if err := send(conn, message, tcp); err != nil {
		return nil, 0, err
	}
	for {
		answer, err := receive(conn, q.limit, tcp)
		if err != nil {
			return nil, 0, err
		}
		code, ok := q.answeredBy(answer, id)
		switch {
		case !ok:
			continue
		case len(answer) > q.limit:
			return q.tooLong(), code, nil
		}
		setID(answer, q.header.ID)
		return answer, code, nil
	}
}

// answeredBy reports whether a message answers the query that was sent with
// this ID: it repeats the question, or else says that it couldn't read it.
func (q *query) answeredBy(message []byte, id uint16) (dnsmessage.RCode, bool) {
	var parser dnsmessage.Parser
	header, err := parser.Start(message)
	if err != nil || !header.Response || header.ID != id {
		return 0, false
	}
	question, err := onlyQuestion(&parser)
	if errors.Is(err, dnsmessage.ErrSectionDone) {
		return header.RCode, header.RCode != dnsmessage.RCodeSuccess
	}
	same := err == nil && question.Type == q.question.Type && question.Class == q.question.Class &&
		lower(question.Name) == lower(q.question.Name)
	return header.RCode, same
}

func send(conn io.Writer, message []byte, tcp bool) error {
	if tcp {
		return writeFramed(conn, message)
	}
	_, err := conn.Write(message)
	return err
}

// receive reads one message. limit is what the client has room for, and has told
// the server; of a longer one there is a byte more, so that it shows.
func receive(conn io.Reader, limit int, tcp bool) ([]byte, error) {
	if tcp {
		return readFramed(conn)
	}
	buffer := make([]byte, limit+1)
	n, err := conn.Read(buffer)
	if errors.Is(err, io.EOF) { // an empty datagram; there is no end to UDP
		return nil, nil
	}
	return buffer[:n], err
}
