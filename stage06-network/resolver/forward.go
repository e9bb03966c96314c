package resolver

import (
	"context"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

const (
	// patience is how long one server is waited for; Docker's.
	patience = 4 * time.Second
	// maxWaiting is how many queries may wait for an answer, maxAsking how many
	// of them have a socket, of which a process has a limited number. A
	// container that asks for more is refused, and its supervisor is none the
	// worse.
	maxWaiting = 4096
	maxAsking  = 1024
)

// limits are counters: who can send to the channel may go on, and receives
// from it when done.
type limits struct{ waiting, asking, streaming chan struct{} }

func newLimits() limits {
	return limits{make(chan struct{}, maxWaiting), make(chan struct{}, maxAsking), make(chan struct{}, maxStreams)}
}

// forward asks the servers in their order, until one answers with more than
// that it couldn't or wouldn't. That it answered so is the answer if no other
// has a better one.
func (r *Resolver) forward(q *query, tcp bool) []byte {
	select {
	case r.waiting <- struct{}{}:
		defer func() { <-r.waiting }()
	default:
		return q.fail(dnsmessage.RCodeRefused)
	}
	if !r.mayAsk() {
		return q.fail(dnsmessage.RCodeRefused)
	}
	defer func() { <-r.asking }()

	var last []byte
	for _, server := range r.config.Upstream {
		answer, code, err := r.ask(server, q, tcp)
		switch {
		case err != nil:
		case code == dnsmessage.RCodeServerFailure || code == dnsmessage.RCodeRefused:
			last = answer
		default:
			return answer
		}
	}
	if last != nil {
		return last
	}
	return q.fail(dnsmessage.RCodeServerFailure)
}

// mayAsk waits for its turn to have a socket.
func (r *Resolver) mayAsk() bool {
	select {
	case r.asking <- struct{}{}:
		return true
	default:
	}
	turn, cancel := context.WithTimeout(r.ended, patience)
	defer cancel()
	select {
	case r.asking <- struct{}{}:
		return true
	case <-turn.Done():
		return false
	}
}
