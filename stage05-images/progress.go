package images

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
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

// terminal draws the layers' lines and, for every change, goes up over them
// with CSI A and draws them anew; see console_codes(4).
//
//	12: Pulling from library/debian
//	3b1a6c9e0d4f: Downloading [=======>            ]  12.4 MB/31.0 MB
//	a2abf6c4d29d: Pull complete
type terminal struct {
	lock   sync.Mutex
	out    io.Writer
	size   func() (width, height int)
	order  []string
	lines  map[string]string
	states map[string]string
	drawn  int // lines on the screen
	last   time.Time
}

func newTerminal(out io.Writer, size func() (int, int)) *terminal {
	return &terminal{out: out, size: size, lines: map[string]string{}, states: map[string]string{}}
}

// Say writes above nothing: the lines drawn so far stay where they are, and
// new ones begin below.
func (t *terminal) Say(line string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.draw()
	t.order, t.drawn = nil, 0
	clear(t.lines)
	clear(t.states)
	fmt.Fprintln(t.out, line)
}

// Layer draws at once when a state changes, and ten times a second while only
// numbers do.
func (t *terminal) Layer(id, state string, done, total int64) {
	t.lock.Lock()
	defer t.lock.Unlock()
	changed := t.states[id] != state
	if t.lines[id] == "" {
		t.order = append(t.order, id)
	}
	t.states[id], t.lines[id] = state, layerLine(id, state, done, total)
	if now := time.Now(); changed || now.Sub(t.last) > 100*time.Millisecond {
		t.last = now
		t.draw()
	}
}

// draw writes all lines, cut to the terminal's width so that none takes two
// rows. Of more lines than the terminal has rows, the last ones are drawn.
func (t *terminal) draw() {
	width, height := t.size()
	visible := t.order[max(0, len(t.order)-max(1, height-1)):]
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.drawn)
	}
	for _, id := range visible {
		line := t.lines[id]
		b.WriteString("\r" + line[:min(len(line), max(1, width-1))] + "\x1b[K\n")
	}
	t.drawn = len(visible)
	io.WriteString(t.out, b.String())
}

func layerLine(id, state string, done, total int64) string {
	if total <= 0 || state == "Pull complete" {
		return id + ": " + state
	}
	const width = 25
	full := int(min(done, total) * width / total)
	bar := strings.Repeat("=", full) + ">" + strings.Repeat(" ", width-full)
	return fmt.Sprintf("%s: %-11s [%s] %8s/%s", id, state, bar, units.HumanSize(float64(done)), units.HumanSize(float64(total)))
}
