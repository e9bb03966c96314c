package images

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// Progress is told how a pull or a push goes on. Its methods are called from
// several goroutines.
type Progress interface {
	// Say is told a line about the whole.
	Say(line string)
	// Layer is told the state of a layer, by the first digits of its digest.
	// done and total are bytes; total is 0 where there is nothing to count.
	Layer(id, state string, done, total int64)
}

type silent struct{}

func (silent) Say(string)                         {}
func (silent) Layer(string, string, int64, int64) {}

func orSilent(p Progress) Progress {
	if p == nil {
		return silent{}
	}
	return p
}

// ShowProgress returns the renderer that fits a file: on a terminal a line for
// each layer, which is drawn again as it grows, and else a line for each change
// of state, fit for a log.
func ShowProgress(file *os.File) Progress {
	if !term.IsTerminal(int(file.Fd())) {
		return &plain{out: file, states: map[string]string{}}
	}
	return newTerminal(file, func() (int, int) {
		width, height, err := term.GetSize(int(file.Fd()))
		if err != nil {
			return 80, 24
		}
		return width, height
	})
}

// plain writes one line for each state of a layer.
type plain struct {
	lock   sync.Mutex
	out    io.Writer
	states map[string]string
}

func (p *plain) Say(line string) {
	p.lock.Lock()
	defer p.lock.Unlock()
	fmt.Fprintln(p.out, line)
}

func (p *plain) Layer(id, state string, _, _ int64) {
	p.lock.Lock()
	defer p.lock.Unlock()
	if p.states[id] != state {
		p.states[id] = state
		fmt.Fprintf(p.out, "%s: %s\n", id, state)
	}
}
