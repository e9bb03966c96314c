package engine

import (
	"regexp"
	"slices"
	"strings"
)

// filters are the values of --filter, KEY=VALUE, by their keys. A key may come
// several times.
type filters map[string][]string

// parseFilters refuses keys that the list at hand has no meaning for.
func parseFilters(words []string, known ...string) (filters, error) {
	f := filters{}
	for _, word := range words {
		key, value, found := strings.Cut(word, "=")
		if !found {
			return nil, tell(ErrInvalid, "filter %q: write KEY=VALUE", word)
		}
		if key == "label" && strings.HasPrefix(value, "=") || key == "" || !slices.Contains(known, key) {
			return nil, tell(ErrInvalid, "filter %q: use %s", word, strings.Join(known, ", "))
		}
		f[key] = append(f[key], value)
	}
	return f, nil
}

// any reports whether one of the key's values holds, or there is none.
func (f filters) any(key string, holds func(value string) bool) bool {
	return len(f[key]) == 0 || slices.ContainsFunc(f[key], holds)
}

// labels reports whether all labels asked for are there, and none of those
// asked not to be.
func (f filters) labels(have map[string]string) bool {
	for _, want := range f["label"] {
		if !labelled(have, want) {
			return false
		}
	}
	return !slices.ContainsFunc(f["label!"], func(other string) bool { return labelled(have, other) })
}

// labelled reports whether there is a label KEY, or KEY=VALUE.
func labelled(have map[string]string, want string) bool {
	key, value, hasValue := strings.Cut(want, "=")
	is, there := have[key]
	return there && (!hasValue || is == value)
}

// likes reports whether a name is what a filter's value says: a part of it, or
// a regular expression (^web$).
func likes(name, value string) bool {
	if strings.Contains(name, value) {
		return true
	}
	matched, err := regexp.MatchString(value, name)
	return err == nil && matched
}
