package images

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
)

// terminal draws a line for each layer and, for every change, goes up over them
// with CSI A and draws them anew; see console_codes(4).
//
//	12: Pulling from library/debian
//	3b1a6c9e0d4f: Downloading [=======>            ]  12.4MB/31MB  5.1MB/s
//	a2abf6c4d29d: Pull complete
type terminal struct {
	lock  sync.Mutex
	out   io.Writer
	size  func() (width, height int)
	now   func() time.Time
	order []string // ids, as they came
	lines map[string]*layerState
	drawn int // lines on the screen
	width int // of the screen when they were drawn
	last  time.Time
}

// layerState is what is known of one layer.
type layerState struct {
	id, state   string
	done, total int64
	since       time.Time // of the state
	from        int64     // bytes done when it began
}

func newTerminal(out io.Writer, size func() (int, int)) *terminal {
	return &terminal{out: out, size: size, now: time.Now, lines: map[string]*layerState{}}
}

// Say writes above nothing: the lines drawn so far stay where they are, and
// new ones begin below.
func (t *terminal) Say(line string) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.draw()
	t.order, t.drawn = nil, 0
	clear(t.lines)
	fmt.Fprintln(t.out, line)
}

// Layer draws at once when a state changes, and ten times a second while only
// numbers do.
func (t *terminal) Layer(id, state string, done, total int64) {
	t.lock.Lock()
	defer t.lock.Unlock()
	now := t.now()
	l := t.lines[id]
	if l == nil {
		l = &layerState{id: id}
		t.lines[id], t.order = l, append(t.order, id)
	}
	changed := l.state != state
	if changed {
		l.state, l.since, l.from = state, now, done
	}
	l.done, l.total = done, total
	if changed || now.Sub(t.last) > 100*time.Millisecond {
		t.last = now
		t.draw()
	}
}

// draw writes all lines, none longer than the terminal is wide, so that none
// takes two rows. On a terminal that has become narrower since the last time,
// lines may have been wrapped, and nobody knows how many rows there are to go
// up: what is there stays, and a new drawing begins below.
func (t *terminal) draw() {
	width, height := t.size()
	if width < t.width {
		t.drawn = 0
	}
	t.width = width
	var b strings.Builder
	if t.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", t.drawn)
	}
	lines := t.visible(max(1, height-1), max(1, width-1))
	for _, line := range lines {
		b.WriteString("\r" + line[:min(len(line), max(1, width-1))] + "\x1b[K\n")
	}
	// What a longer drawing has left below is wiped out.
	if len(lines) < t.drawn {
		b.WriteString("\x1b[J")
	}
	t.drawn = len(lines)
	io.WriteString(t.out, b.String())
}

// visible returns the lines to draw. Where there are more layers than rows,
// those at work are shown, which are few, and the others are counted.
func (t *terminal) visible(rows, width int) (lines []string) {
	shown := t.order
	if len(t.order) > rows {
		shown = slices.DeleteFunc(slices.Clone(t.order), func(id string) bool { return t.lines[id].total == 0 })
		shown = shown[:min(len(shown), rows-1)]
	}
	for _, id := range shown {
		lines = append(lines, t.lines[id].line(width, t.now()))
	}
	if rest := len(t.order) - len(shown); rest > 0 {
		lines = append(lines, fmt.Sprintf("%d of %d layers are done, or wait", rest, len(t.order)))
	}
	return lines
}

// line writes a layer's state: with a bar where there is room, and else with
// the numbers alone.
func (l *layerState) line(width int, now time.Time) string {
	if l.total <= 0 {
		return l.id + ": " + l.state
	}
	numbers := fmt.Sprintf("%8s/%s", units.HumanSize(float64(l.done)), units.HumanSize(float64(l.total)))
	if passed := now.Sub(l.since); passed >= time.Second {
		numbers += fmt.Sprintf("  %s/s", units.HumanSize(float64(l.done-l.from)/passed.Seconds()))
	}
	head := fmt.Sprintf("%s: %-11s ", l.id, l.state)
	room := min(25, width-len(head)-len("[>] ")-len("999.9MB/999.9MB  999.9MB/s"))
	if room < 5 {
		return head + strings.TrimSpace(numbers)
	}
	full := int(min(l.done, l.total) * int64(room) / l.total)
	return head + "[" + strings.Repeat("=", full) + ">" + strings.Repeat(" ", room-full) + "] " + numbers
}
