package resolver

import (
	"encoding/binary"
	"errors"

	"golang.org/x/net/dns/dnsmessage"
)

// A message, be it a query or an answer, is a header and four lists, of which a
// query fills the first and, if it has options, the last (RFC 1035, 4.1):
//
//	0    2       4    6    8    10   12
//	┌────┬───────┬────┬────┬────┬────┬──────────┬ ─ ─ ─ ─ ┬ ─ ─ ─ ─ ┐
//	│ ID │ flags │ 1  │ 0  │ 0  │ n  │ question │   OPT   │    …    │
//	└────┴───────┴────┴────┴────┴────┴──────────┴ ─ ─ ─ ─ ┴ ─ ─ ─ ─ ┘
//	               how many of each
//
// Over TCP each is preceded by its length, 2 bytes.
const (
	plainUDP   = 512   // bytes that a datagram has room for if the client names no other limit
	largestTCP = 65535 // what the 2 bytes of length can say
)

// query is what a client asks.
type query struct {
	message  []byte // as it came
	header   dnsmessage.Header
	question dnsmessage.Question
	limit    int  // bytes that the answer may have
	edns     bool // the client speaks EDNS, and so do we
	// fault is what is wrong with it, RCodeSuccess if nothing is.
	fault dnsmessage.RCode
}

// parse reads a message that came by UDP, or by TCP. It returns nil for what
// must not be answered at all: a message too short to have a sender's ID, and
// an answer, lest two servers that take each other for clients never stop.
func parse(message []byte, tcp bool) *query {
	q := &query{message: message, limit: plainUDP}
	if tcp {
		q.limit = largestTCP
	}
	var parser dnsmessage.Parser
	var err error
	if q.header, err = parser.Start(message); err != nil || q.header.Response {
		return nil
	}
	if q.header.OpCode != 0 {
		q.fault = dnsmessage.RCodeNotImplemented
		return q
	}
	if q.question, err = onlyQuestion(&parser); err == nil {
		err = q.readOptions(&parser, tcp)
	}
	if err != nil {
		q.fault = dnsmessage.RCodeFormatError
	}
	return q
}

// onlyQuestion: the format has room for several, but nobody ever said what the
// answer would be (RFC 9619).
func onlyQuestion(parser *dnsmessage.Parser) (dnsmessage.Question, error) {
	question, err := parser.Question()
	if err != nil {
		return dnsmessage.Question{}, err
	}
	if _, err := parser.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return dnsmessage.Question{}, errors.New("more than one question")
	}
	return question, nil
}

// readOptions looks for the OPT record, which has no place of its own in the
// format: it sits among the additional ones, and its class is a size.
func (q *query) readOptions(parser *dnsmessage.Parser, tcp bool) error {
	if err := parser.SkipAllAnswers(); err != nil {
		return err
	}
	if err := parser.SkipAllAuthorities(); err != nil {
		return err
	}
	for {
		record, err := parser.AdditionalHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return nil
		}
		if err != nil {
			return err
		}
		if record.Type == dnsmessage.TypeOPT {
			if q.edns {
				return errors.New("options twice") // RFC 6891, 6.1.1
			}
			q.edns = true
			if !tcp {
				q.limit = max(plainUDP, min(int(record.Class), largestDatagram))
			}
		}
		if err := parser.SkipAdditional(); err != nil {
			return err
		}
	}
}

// fail answers with an error.
func (q *query) fail(code dnsmessage.RCode) []byte {
	q.fault = code
	return q.reply()
}

// reply answers with these records, or with as many of them as there is room
// for: a client that sees that it was cut short asks again over TCP.
func (q *query) reply(records ...dnsmessage.Resource) []byte {
	packed, err := q.pack(records, false)
	for err == nil && len(packed) > q.limit {
		records = records[:len(records)/2]
		packed, err = q.pack(records, true)
	}
	if err != nil { // a name in a record is none that DNS can say
		return q.fail(dnsmessage.RCodeServerFailure)
	}
	return packed
}

// tooLong is what the client is told of an answer that it has no room for.
func (q *query) tooLong() []byte {
	packed, _ := q.pack(nil, true) // what was read can be written
	return packed
}

func (q *query) pack(records []dnsmessage.Resource, truncated bool) ([]byte, error) {
	m := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: q.header.ID, Response: true, OpCode: q.header.OpCode, RCode: q.fault, Truncated: truncated,
			RecursionDesired: q.header.RecursionDesired, RecursionAvailable: true,
		},
		Answers: records,
	}
	if q.question.Name.Length > 0 {
		m.Questions = []dnsmessage.Question{q.question}
	}
	if q.edns {
		m.Additionals = []dnsmessage.Resource{options()}
	}
	return m.Pack()
}

// options is our OPT record: who is asked with one must answer with one. It
// tells how large a query may be.
func options() dnsmessage.Resource {
	var header dnsmessage.ResourceHeader
	_ = header.SetEDNS0(largestDatagram, dnsmessage.RCodeSuccess, false) // fails for a longer name than "."
	return dnsmessage.Resource{Header: header, Body: &dnsmessage.OPTResource{}}
}

// setID writes a message's ID.
func setID(message []byte, id uint16) { binary.BigEndian.PutUint16(message, id) }
