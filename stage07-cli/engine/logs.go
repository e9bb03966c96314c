package engine

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"cooper/stage07-cli/shim/jsonlog"
	"cooper/stage07-cli/shim/state"
)

// Logs writes what the container has written, and with Follow what it goes on
// to write until it ends. It writes the bytes as they are: whoever prints them
// to a terminal lets the container speak to that terminal, as with Docker.
//
// A follower that is slower than the container by more than all the files that
// are kept (LogOptions) misses what was rotated away: the container isn't made
// to wait for whoever reads its log.
func (e *Engine) Logs(ctx context.Context, name string, o LogsOptions) error {
	c, err := e.find(name)
	if err != nil {
		return err
	}
	if err := c.usable(); err != nil {
		return err
	}
	now := time.Now()
	since, err := parseTime(o.Since, now)
	if err != nil {
		return err
	}
	until, err := parseTime(o.Until, now)
	if err != nil {
		return err
	}
	p := &printer{options: o, since: since, until: until}

	var changes *follower
	if o.Follow && c.active() {
		// Watched before the first line is read: what comes in between isn't missed.
		if changes, err = newFollower(ctx, c); err != nil {
			return err
		}
		defer changes.Close()
	}
	chain, err := jsonlog.OpenChain(filepath.Join(c.dir, state.LogFile))
	if err != nil {
		return err
	}
	defer chain.Close()
	if err := p.printTail(chain); err != nil {
		return err
	}
	if changes == nil {
		return nil
	}
	return p.follow(ctx, chain, changes)
}

// follow prints what is added, until the container has ended.
func (p *printer) follow(ctx context.Context, chain *jsonlog.Chain, changes *follower) error {
	for {
		ended, err := changes.next()
		if err != nil {
			return err
		}
		if err := chain.Extend(); err != nil {
			return err
		}
		if err := p.printAll(chain); err != nil || ended {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// printer writes records as the options want them.
type printer struct {
	options      LogsOptions
	since, until time.Time
	begun        map[jsonlog.Stream]bool // inside a line of several records
}

// printTail prints what is there already: the last lines of it, if so many are
// asked for. Of those that come before only as many are held.
func (p *printer) printTail(chain *jsonlog.Chain) error {
	n := p.options.Tail
	if n < 0 {
		return p.printAll(chain)
	}
	var last []jsonlog.Record
	lines := 0
	for {
		r, err := chain.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if !p.wanted(&r) {
			continue
		}
		last = append(last, r)
		lines += ends(&r)
		for lines > n || lines == n && len(last) > 0 && n == 0 {
			lines -= ends(&last[0])
			last = last[1:]
		}
	}
	for i := range last {
		if err := p.print(&last[i]); err != nil {
			return err
		}
	}
	return nil
}

// extendEvery so many records a follower looks for new files.
const extendEvery = 256

// ends counts the ends of lines in a record: 1, or 0 for a part of a long line.
func ends(r *jsonlog.Record) int {
	text := r.Bytes()
	if len(text) > 0 && text[len(text)-1] == '\n' {
		return 1
	}
	return 0
}

func (p *printer) printAll(chain *jsonlog.Chain) error {
	for n := 1; ; n++ {
		// A slow reader still opens each new file before rotation takes it away.
		if p.options.Follow && n%extendEvery == 0 {
			if err := chain.Extend(); err != nil {
				return err
			}
		}
		r, err := chain.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if !p.wanted(&r) {
			continue
		}
		if err := p.print(&r); err != nil {
			return err
		}
	}
}

func (p *printer) wanted(r *jsonlog.Record) bool {
	return (p.since.IsZero() || !r.Time.Before(p.since)) && (p.until.IsZero() || !r.Time.After(p.until))
}

// print writes one record; the time stands once before a line.
func (p *printer) print(r *jsonlog.Record) error {
	w := p.options.Out
	if r.Stream == jsonlog.Stderr {
		w = p.options.Err
	}
	if w == nil {
		return nil
	}
	text := r.Bytes()
	if p.options.Timestamps && !p.begun[r.Stream] {
		stamp := r.Time.UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
		text = append([]byte(stamp+" "), text...)
	}
	if p.begun == nil {
		p.begun = map[jsonlog.Stream]bool{}
	}
	p.begun[r.Stream] = ends(r) == 0
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("write logs: %w", err)
	}
	return nil
}

// parseTime reads a moment as --since takes it: RFC 3339, a date, seconds since
// 1970, or how long ago. "" is the zero time.
func parseTime(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if ago, err := time.ParseDuration(text); err == nil {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := parseUnix(text); err == nil {
		return t, nil
	}
	return time.Time{}, tell(ErrInvalid, "invalid time %q: write 2006-01-02T15:04:05Z, seconds since 1970, or 10m for ten minutes ago", text)
}
