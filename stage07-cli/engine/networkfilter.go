package engine

import (
	"strconv"
	"strings"
	"time"
)

// NetworkFilter chooses among networks. Each kind of condition must hold, and
// of several values of one kind one, but of labels all.
type NetworkFilter struct {
	engine   *Engine
	filters  filters
	until    time.Time // the zero time is any
	dangling *bool
}

// NetworkFilter reads the values of `network ls --filter`:
//
//	name=PART id=START     of its name, of its ID
//	driver=bridge          or macvlan, ipvlan, host, null
//	type=custom            or builtin: is there without being made
//	dangling=true          no container is on it, and it isn't builtin
//	label=KEY[=VALUE]      has the label
//	scope=local            all of them
func (e *Engine) NetworkFilter(words []string) (*NetworkFilter, error) {
	parsed, err := parseFilters(words, "dangling", "driver", "id", "label", "label!", "name", "scope", "type")
	if err != nil {
		return nil, err
	}
	f := &NetworkFilter{engine: e, filters: parsed}
	for _, kind := range parsed["type"] {
		if kind != "custom" && kind != "builtin" {
			return nil, tell(ErrInvalid, "filter type=%q: use custom or builtin", kind)
		}
	}
	for _, value := range parsed["dangling"] {
		dangling, err := strconv.ParseBool(value)
		if err != nil {
			return nil, tell(ErrInvalid, "filter dangling=%q: write true or false", value)
		}
		f.dangling = &dangling
	}
	return f, nil
}

// NetworkPruneFilter reads those of `network prune --filter`: label, label!,
// and until=TIME, which is for networks older than that moment, or than 10m.
func (e *Engine) NetworkPruneFilter(words []string) (*NetworkFilter, error) {
	parsed, err := parseFilters(words, "label", "label!", "until")
	if err != nil {
		return nil, err
	}
	f := &NetworkFilter{engine: e, filters: parsed}
	for _, value := range parsed["until"] {
		if f.until, err = parseTime(value, time.Now()); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Chooses reports whether the filter lets a network pass.
func (f *NetworkFilter) Chooses(d *Network) (bool, error) {
	kind := "custom"
	if isPredefined(d.Name) {
		kind = "builtin"
	}
	is := func(text string) func(string) bool { return func(value string) bool { return value == text } }
	if !f.filters.any("driver", is(string(d.Driver))) || !f.filters.any("type", is(kind)) || !f.filters.any("scope", is("local")) ||
		!f.filters.any("name", func(value string) bool { return likes(d.Name, value) }) ||
		!f.filters.any("id", func(value string) bool { return strings.HasPrefix(d.ID, value) }) ||
		!f.filters.labels(d.Labels) {
		return false, nil
	}
	if !f.until.IsZero() && !d.Created.Before(f.until) {
		return false, nil
	}
	if f.dangling == nil {
		return true, nil
	}
	places, err := f.engine.Places(d)
	return *f.dangling == (kind == "custom" && len(places) == 0), err
}
