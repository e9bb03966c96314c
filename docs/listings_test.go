package docs

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryListingEqualsItsSource(t *testing.T) {
	texts := pages(t)
	for _, path := range inOrder(texts) {
		t.Run(path, func(t *testing.T) {
			filled, err := Fill(texts[path], reader(root))
			require.NoError(t, err, "%s shows what the source no longer has", path)
			require.Equal(t, filled, texts[path], "the source has moved on: run make docs, and read the chapter again")
		})
	}
}

const sample = `package casks

import "fmt"

// A Stave is one board of a cask.
type Stave struct{ Width int } // in millimetres

// Bend bends the stave over the fire.
func (s *Stave) Bend() error {
	return fmt.Errorf("too dry")
}

// Sizes of casks, in litres.
const (
	Pin    = 20
	Firkin = 41
)

func hoop() {}
`

func TestADeclarationIsCutOutByName(t *testing.T) {
	for _, test := range []struct{ name, want string }{
		{"Stave", "// A Stave is one board of a cask.\ntype Stave struct{ Width int } // in millimetres"},
		{"Stave.Bend", "// Bend bends the stave over the fire.\nfunc (s *Stave) Bend() error {\n\treturn fmt.Errorf(\"too dry\")\n}"},
		{"Pin", "// Sizes of casks, in litres.\nconst (\n\tPin    = 20\n\tFirkin = 41\n)"},
		{"hoop", "func hoop() {}"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Declaration("casks.go", []byte(sample), test.name)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestADeclarationThatIsNotThereIsAnError(t *testing.T) {
	for _, name := range []string{"Bend", "Firkin", "fmt", ""} {
		_, err := Declaration("casks.go", []byte(sample), name)
		require.ErrorContains(t, err, "no declaration is called "+name)
	}
}

func TestFillTouchesTheListingsAlone(t *testing.T) {
	read := func(path string) ([]byte, error) {
		if path != "casks.go" {
			return nil, os.ErrNotExist
		}
		return []byte(sample), nil
	}
	const filled = "# Casks\n\n<!-- listing: casks.go hoop -->\n```go\nfunc hoop() {}\n```\n\n```text\n<!-- listing: casks.go bung -->\n```\nEnd.\n"

	for name, page := range map[string]string{
		"up to date":   filled,
		"out of date":  strings.Replace(filled, "func hoop() {}", "func hoop() { old() }\n\nmore", 1),
		"not yet made": strings.Replace(filled, "```go\nfunc hoop() {}\n```\n", "", 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Fill(page, read)
			require.NoError(t, err)
			require.Equal(t, filled, got)
		})
	}
	for page, want := range map[string]string{
		"<!-- listing: barrels.go hoop -->":                   "file does not exist",
		"<!-- listing: casks.go bung -->":                     "no declaration is called bung",
		"<!-- listing: casks.go -->":                          "write <!-- listing: FILE NAME -->",
		"<!-- listing: casks.go hoop -->\n```go\nfunc hoop()": "never closed",
	} {
		_, err := Fill(page, read)
		require.ErrorContains(t, err, want)
	}
}
