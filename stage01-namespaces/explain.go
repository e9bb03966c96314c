package namespaces

import (
	"fmt"
	"io"
)

// ExplainFlag is the value of every program's --explain: a flag.Value that is
// "" when absent, "text" for a bare --explain, or "json".
type ExplainFlag string

// String returns the form that was chosen.
func (f *ExplainFlag) String() string { return string(*f) }

// IsBoolFlag lets the flag stand without a value.
func (f *ExplainFlag) IsBoolFlag() bool { return true }

// Set takes the form: --explain, --explain=text or --explain=json.
func (f *ExplainFlag) Set(form string) error {
	switch form {
	case "true", "text":
		*f = "text"
	case "json":
		*f = "json"
	case "false":
		*f = ""
	default:
		return fmt.Errorf("%q is neither text nor json", form)
	}
	return nil
}

// Watch returns the watcher for the chosen form, which writes to w; nil for
// silence. It goes into Process.Watch, and Spec.Explain must be set with it.
func (f ExplainFlag) Watch(w io.Writer) func(Event) {
	switch f {
	case "text":
		return ExplainText(w)
	case "json":
		return ExplainJSON(w)
	}
	return nil
}
