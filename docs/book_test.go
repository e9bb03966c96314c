package docs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// root is the repository's root as the tests of this directory see it.
const root = ".."

// pages reads every page of the book, by its path from the repository's root.
func pages(t *testing.T) map[string]string {
	t.Helper()
	paths, err := Pages(root)
	require.NoError(t, err)
	require.Contains(t, paths, "docs/README.md", "the book has lost its way in")
	texts := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(filepath.Join(root, path))
		require.NoError(t, err)
		texts[path] = string(text)
	}
	return texts
}

// sources parses the Go files of one stage and says so where there are none.
func sources(t *testing.T, stage Stage) []Source {
	t.Helper()
	list, err := Sources(root, stage.Dir())
	require.NoError(t, err)
	require.NotEmpty(t, list, "stage %d isn't there yet: %s holds no Go file", stage.Number, stage.Dir())
	return list
}

// everySource parses all Go files of the repository.
func everySource(t *testing.T) []Source {
	t.Helper()
	dirs := []string{"docs"}
	for _, stage := range Stages() {
		dirs = append(dirs, stage.Dir())
	}
	list, err := Sources(root, dirs...)
	require.NoError(t, err)
	return list
}

// inOrder returns the keys of a map of pages in the order of the book.
func inOrder(texts map[string]string) []string {
	var paths []string
	for path := range texts {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}
