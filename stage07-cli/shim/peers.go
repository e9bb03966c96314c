package shim

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"cooper/stage07-cli/shim/state"
)

// peer is one client, as the shim sees it.
type peer struct {
	conn    *os.File
	lock    sync.Mutex // one frame after the other
	stdin   bool
	streams [3]bool // what it wants of stdout and stderr, by kind
	patient bool    // it was there from the start, and may read as slowly as it likes
}

func newPeer(conn *os.File) *peer { return &peer{conn: conn} }

func (p *peer) wants(a Attach) {
	p.stdin = a.Stdin
	p.streams[stdout], p.streams[stderr] = a.Stdout, a.Stderr
}

// put writes a whole frame. A client that doesn't take it in time is cut off.
func (p *peer) put(frame []byte) error {
	p.lock.Lock()
	defer p.lock.Unlock()
	if !p.patient {
		_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	}
	_, err := p.conn.Write(frame)
	return err
}

func (p *peer) send(k kind, payload []byte) error {
	frame := make([]byte, headerSize+len(payload))
	copy(frame[headerSize:], payload)
	putHeader(frame, k)
	return p.put(frame)
}

func (p *peer) sendJSON(k kind, payload any) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return p.send(k, text)
}

// answer says done, or what went wrong.
func (p *peer) answer(err error) error {
	if err == nil {
		return p.send(done, nil)
	}
	return p.sendJSON(failed, failureOf(err))
}

// peers are the clients that are attached, or wait.
type peers struct {
	lock sync.Mutex
	list []*peer
	exit *state.Exit // set when all is over
}

// add adds a client. One that comes too late is told so at once.
func (ps *peers) add(p *peer) {
	ps.lock.Lock()
	exit := ps.exit
	if exit == nil {
		ps.list = append(slices.Clone(ps.list), p)
	}
	ps.lock.Unlock()
	if exit != nil {
		_ = p.sendJSON(exited, exit)
		p.conn.Close()
	}
}

// drop forgets a client that has gone.
func (ps *peers) drop(p *peer) {
	ps.lock.Lock()
	ps.list = slices.DeleteFunc(slices.Clone(ps.list), func(q *peer) bool { return q == p })
	ps.lock.Unlock()
	p.conn.Close()
}

// all returns the clients of the moment; the list is replaced and never changed.
func (ps *peers) all() []*peer {
	ps.lock.Lock()
	defer ps.lock.Unlock()
	return ps.list
}

// spread gives a frame to everyone who wants it. A client that has died is no
// reason to stop: it is the container's output all the same.
func (ps *peers) spread(k kind, frame []byte) {
	for _, p := range ps.all() {
		if p.streams[k] && p.put(frame) != nil {
			ps.drop(p)
		}
	}
}

// hurry sets a limit to everyone: the container has ended, and its status must
// not wait for a client that is stopped.
func (ps *peers) hurry() {
	for _, p := range ps.all() {
		_ = p.conn.SetWriteDeadline(time.Now().Add(patience))
	}
}

// farewell tells everyone how it ended.
func (ps *peers) farewell(exit *state.Exit) {
	ps.lock.Lock()
	ps.exit = exit
	list := ps.list
	ps.list = nil
	ps.lock.Unlock()
	for _, p := range list {
		if err := p.sendJSON(exited, exit); err != nil && !errors.Is(err, os.ErrClosed) {
			continue
		}
		p.conn.Close()
	}
}
