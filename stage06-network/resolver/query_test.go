package resolver

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"cooper/stage01-namespaces/notrace"
)

// header is a query's with so many questions, and then these bytes.
func malformed(flags byte, questions, additionals byte, rest string) []byte {
	return append([]byte{0, 7, flags, 0, 0, questions, 0, 0, 0, 0, 0, additionals}, rest...)
}

const (
	webA = "\x03web\x00\x00\x01\x00\x01"
	opt  = "\x00\x00\x29\x10\x00\x00\x00\x00\x00\x00\x00"
)

// messages are what nobody should send, and what is answered; -1 is silence.
var messages = map[string]struct {
	message []byte
	want    int
}{
	"nothing":                         {nil, -1},
	"half a header":                   {malformed(1, 1, 0, "")[:7], -1},
	"an answer":                       {malformed(0x81, 1, 0, webA), -1},
	"a well-formed query":             {malformed(1, 1, 0, webA), 0},
	"with options":                    {malformed(1, 1, 1, webA+opt), 0},
	"with something behind it":        {malformed(1, 1, 0, webA+"more"), 0},
	"no question":                     {malformed(1, 0, 0, ""), 1},
	"a question that isn't there":     {malformed(1, 1, 0, ""), 1},
	"half a question":                 {malformed(1, 1, 0, webA[:7]), 1},
	"two questions":                   {malformed(1, 2, 0, webA+webA), 1},
	"options twice":                   {malformed(1, 1, 2, webA+opt+opt), 1},
	"options that aren't there":       {malformed(1, 1, 1, webA), 1},
	"options cut off":                 {malformed(1, 1, 1, webA+opt[:9]), 1},
	"options of another length":       {malformed(1, 1, 1, webA+opt[:9]+"\xff\xff"), 1},
	"a name that points to itself":    {malformed(1, 1, 0, "\xc0\x0c\x00\x01\x00\x01"), 1},
	"a name that points in a circle":  {malformed(1, 1, 0, "\xc0\x0e\xc0\x0c\x00\x01\x00\x01"), 1},
	"a name that points out":          {malformed(1, 1, 0, "\xff\xff\x00\x01\x00\x01"), 1},
	"a label of a kind that isn't":    {malformed(1, 1, 0, "\x41web\x00\x00\x01\x00\x01"), 1},
	"a name without end":              {malformed(1, 1, 0, "\x03web"), 1},
	"a name of more than 255 bytes":   {malformed(1, 1, 0, string(bytes.Repeat([]byte("\x3f"+string(bytes.Repeat([]byte{'a'}, 63))), 5))+"\x00\x00\x01\x00\x01"), 1},
	"an update":                       {malformed(5<<3, 1, 0, webA), 4},
	"a notification without anything": {malformed(4<<3, 0, 0, ""), 4},
}

func TestAMalformedMessageIsAnsweredAsSuch(t *testing.T) {
	notrace.Check(t)
	shop := newNetwork(t, "shop")
	shop.join(t, webID, "web", "10.118.0.7")
	c := newContainer(t)
	c.serve(t, Config{Networks: on(shop)})
	for name, test := range messages {
		t.Run(name, func(t *testing.T) {
			conn := c.dial(t, "udp", "127.0.0.11:53")
			_, err := conn.Write(test.message)
			require.NoError(t, err)
			if test.want < 0 { // then the next one's answer is the first to come
				answer := exchange(t, conn, malformed(1, 0, 0, ""))
				require.Equal(t, dnsmessage.RCodeFormatError, unpacked(t, answer).RCode)
				return
			}
			buffer := make([]byte, 512)
			n, err := conn.Read(buffer)
			require.NoError(t, err)
			m := unpacked(t, buffer[:n])
			require.EqualValues(t, test.want, m.RCode)
			require.EqualValues(t, 7, m.ID)
			require.True(t, m.Response)
			require.LessOrEqual(t, n, len(test.message)+len(webA)+16, "no more than one record comes back")

			stream := c.dial(t, "tcp", "127.0.0.11:53")
			require.NoError(t, writeFramed(stream, test.message))
			answer, err := readFramed(stream)
			require.NoError(t, err)
			require.EqualValues(t, test.want, unpacked(t, answer).RCode)
		})
	}
}

func TestADatagramThatIsTooLongIsNotReadInPart(t *testing.T) {
	notrace.Check(t)
	world := newUpstream(t, "127.0.0.53:53", says("192.0.2.1"))
	c := newContainer(t)
	c.serve(t, Config{Networks: somewhere(t), Upstream: []Server{world.Server}})
	conn := c.dial(t, "udp", "127.0.0.11:53")
	query := queryFor("example.org.", dnsmessage.TypeA)
	long := append(query, make([]byte, largestDatagram-len(query))...)
	require.Equal(t, dnsmessage.RCodeSuccess, unpacked(t, exchange(t, conn, long)).RCode)
	require.EqualValues(t, 1, world.asked.Load())
	require.Equal(t, dnsmessage.RCodeFormatError, unpacked(t, exchange(t, conn, append(long, 0))).RCode)
	require.EqualValues(t, 1, world.asked.Load())
}

func TestAClientHasRoomForWhatItSaysWithinReason(t *testing.T) {
	for size, want := range map[string]int{"\x00\x00": 512, "\x02\x00": 512, "\x04\xd0": 1232, "\x10\x00": 4096, "\x10\x01": 4096, "\xff\xff": 4096} {
		query := malformed(1, 1, 1, webA+opt[:3]+size+opt[5:])
		require.Equal(t, want, parse(query, false).limit)
		require.Equal(t, 65535, parse(query, true).limit)
	}
}

// A name of a container that DNS has no way to say.
func TestANameThatDNSCannotSayIsAnError(t *testing.T) {
	shop := newNetwork(t, "shop")
	shop.join(t, webID, string(bytes.Repeat([]byte{'a'}, 64)), "10.118.0.7")
	r := &Resolver{config: Config{Networks: on(shop)}}
	answer := r.answer(parse(queryFor("7.0.118.10.in-addr.arpa.", dnsmessage.TypePTR), false))
	require.Equal(t, dnsmessage.RCodeServerFailure, unpacked(t, answer).RCode)
}

// Whatever comes, an answer is one that a client can read, fits, and is its own.
func FuzzDNS(f *testing.F) {
	for _, test := range messages {
		f.Add(test.message, true)
		f.Add(test.message, false)
	}
	f.Add(queryFor("7.0.118.10.in-addr.arpa.", dnsmessage.TypePTR), false)
	f.Add(queryFor("WEB.shop.", dnsmessage.TypeALL), false)
	f.Add(queryFor("example.org.", dnsmessage.TypeTXT), true)
	shop := newNetwork(f, "shop")
	for i := range 40 {
		shop.join(f, fmt.Sprintf("%064x", i), "web", fmt.Sprintf("10.118.0.%d fd12::%d", i+2, i+2))
	}
	f.Fuzz(func(t *testing.T, message []byte, tcp bool) {
		q := parse(message, tcp)
		if q == nil {
			return
		}
		r := &Resolver{config: Config{Networks: on(shop)}}
		for _, internal := range []bool{true, false} {
			network := shop
			network.Internal = internal
			r.config.Networks = on(network)
			answer := r.answer(q)
			if answer == nil {
				require.False(t, internal)
				answer = q.fail(dnsmessage.RCodeServerFailure)
			}
			require.LessOrEqual(t, len(answer), q.limit)
			m := unpacked(t, answer)
			require.True(t, m.Response)
			require.Equal(t, q.header.ID, m.ID)
			for _, question := range m.Questions {
				require.Equal(t, q.question, question)
			}
		}
		_, _ = q.answeredBy(message, q.header.ID)
	})
}
