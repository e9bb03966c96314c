package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"text/template"
)

// A column is one field of a list: its name in a template and its heading in a
// table.
type column struct{ field, heading string }

// A table is what ps, images and volume ls print. The same rows can be shown
// in four ways, as --format says:
//
//	""                         the usual columns, aligned
//	"table {{.ID}}\t{{.Names}}"  chosen columns, aligned, with a heading
//	"{{.ID}} {{.Names}}"         a template a row
//	"json"                       an object a line
//
// Every cell is cleaned before it is printed, except in JSON, which escapes by
// itself.
type table struct {
	columns []column            // all that a template may name
	usual   []string            // the fields shown without a format
	rows    []map[string]string // by field
}

func (t *table) print(w io.Writer, format string) error {
	if format == "json" || format == "{{json .}}" {
		return t.printJSON(w)
	}
	text, tabular := strings.CutPrefix(format, "table ")
	if format == "" || format == "table" {
		text, tabular = "{{."+strings.Join(t.usual, "}}\t{{.")+"}}", true
	}
	row, err := parseTemplate(text)
	if err != nil {
		return err
	}
	// The headings are a row too: a template that asks for a field that isn't
	// there is found out here, also when the list is empty.
	headings := map[string]string{}
	for _, c := range t.columns {
		headings[c.field] = c.heading
	}
	var title strings.Builder
	if err := printTemplate(&title, row, headings); err != nil {
		return fmt.Errorf("%w (the fields are %s)", err, t.fields())
	}
	if !tabular {
		return t.printRows(w, row)
	}
	aligned := tabwriter.NewWriter(w, 10, 1, 3, ' ', 0)
	if _, err := io.WriteString(aligned, title.String()); err != nil {
		return err
	}
	if err := t.printRows(aligned, row); err != nil {
		return err
	}
	return aligned.Flush()
}

func (t *table) printRows(w io.Writer, row *template.Template) error {
	for _, cells := range t.rows {
		cleaned := make(map[string]string, len(cells))
		for field, cell := range cells {
			cleaned[field] = clean(cell)
		}
		if err := printTemplate(w, row, cleaned); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) printJSON(w io.Writer) error {
	for _, cells := range t.rows {
		if err := writeJSON(w, cells, ""); err != nil {
			return err
		}
	}
	return nil
}

// fields names what a template may ask for; it belongs into the message when
// one asked for something else.
func (t *table) fields() string {
	names := make([]string, 0, len(t.columns))
	for _, c := range t.columns {
		names = append(names, "."+c.field)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// parseTemplate parses the text of --format: a Go template, in which \t and \n
// may be written as such, because shells make it hard to type a tab.
func parseTemplate(text string) (*template.Template, error) {
	text = strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(text)
	parsed, err := template.New("format").Option("missingkey=error").Funcs(templateFunctions()).Parse(text)
	if err != nil {
		return nil, &usageError{"", fmt.Sprintf("--format: %s", templateCause(err))}
	}
	return parsed, nil
}

// templateFunctions are those that Docker's templates offer.
func templateFunctions() template.FuncMap {
	return template.FuncMap{
		"json": func(v any) (string, error) {
			out, err := json.Marshal(v)
			return string(out), err
		},
		"join":  strings.Join,
		"split": strings.Split,
		"lower": strings.ToLower,
		"upper": strings.ToUpper,
		"truncate": func(s string, n int) string {
			if runes := []rune(s); len(runes) > n && n >= 0 {
				return string(runes[:n])
			}
			return s
		},
	}
}

// printTemplate writes one row and ends its line.
func printTemplate(w io.Writer, t *template.Template, data any) error {
	var out strings.Builder
	if err := t.Execute(&out, data); err != nil {
		return &usageError{"", fmt.Sprintf("--format: %s", templateCause(err))}
	}
	_, err := io.WriteString(w, out.String()+"\n")
	return err
}

// templateCause cuts the package's own preface off a template's error.
func templateCause(err error) string {
	return strings.TrimPrefix(err.Error(), "template: format:")
}
