package namespaces

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Event tells that a step begins.
type Event struct {
	Time   time.Time `json:"time"`
	Inside bool      `json:"inside"` // taken by the child, in its new namespaces
	Step   string    `json:"step"`
	Why    string    `json:"why"`
}

// ExplainText returns a watcher that writes one line for each step: when it
// began, on which side, its name, its chapter, and why.
func ExplainText(w io.Writer) func(Event) {
	var lock sync.Mutex
	var start time.Time
	return func(e Event) {
		lock.Lock()
		defer lock.Unlock()
		if start.IsZero() {
			start = e.Time
		}
		side := "outside"
		if e.Inside {
			side = "inside "
		}
		fmt.Fprintf(w, "%9.3f ms  %s  %-28s %s (%s)\n",
			float64(e.Time.Sub(start).Microseconds())/1000, side, e.Step, e.Why, Chapter(e.Step))
	}
}

// ExplainJSON returns a watcher that writes one JSON object a line.
func ExplainJSON(w io.Writer) func(Event) {
	var lock sync.Mutex
	out := json.NewEncoder(w)
	return func(e Event) {
		lock.Lock()
		defer lock.Unlock()
		_ = out.Encode(struct {
			Event
			Chapter string `json:"chapter"`
		}{e, Chapter(e.Step)})
	}
}

// chapters is the table of contents: the stage's word, which every step's name
// begins with, and its number.
var chapters = []string{"namespaces", "cgroups", "rootfs", "unionfs", "images", "network", "cli"}

// Chapter returns where the book explains a step, "docs/03-rootfs.md#rootfspivot_root",
// or "" for a step that no chapter knows. The anchor is the heading's, as
// Markdown renderers make it.
func Chapter(step string) string {
	stage, _, _ := strings.Cut(step, "/")
	for i, name := range chapters {
		if name == stage {
			return fmt.Sprintf("docs/%02d-%s.md#%s", i+1, stage, strings.ReplaceAll(step, "/", ""))
		}
	}
	return ""
}

// Plan writes the two lists without taking a step.
func Plan(w io.Writer, outside, inside []Step) {
	fmt.Fprintln(w, "outside, by the parent:")
	list(w, outside)
	fmt.Fprintln(w, "inside, by the child before it becomes the command:")
	list(w, inside)
}

func list(w io.Writer, steps []Step) {
	for i, step := range steps {
		fmt.Fprintf(w, "%4d  %-28s %s\n", i+1, step.Name, step.Why)
	}
}
