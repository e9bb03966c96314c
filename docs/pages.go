package docs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Pages lists every Markdown file that belongs to the book, as paths from the
// repository's root: those in docs, and those at the root itself.
func Pages(root string) ([]string, error) {
	var pages []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			relative, err := filepath.Rel(root, path)
			if err != nil {
				return nil, err
			}
			pages = append(pages, relative)
		}
	}
	slices.Sort(pages)
	return pages, nil
}

// FillFile fills the listings of one page and reports whether that changed it.
func FillFile(root, page string) (changed bool, err error) {
	path := filepath.Join(root, page)
	before, err := os.ReadFile(path)
	if err != nil {
		return false, err
	}
	after, err := Fill(string(before), reader(root))
	if err != nil || after == string(before) {
		return false, err
	}
	return true, os.WriteFile(path, []byte(after), 0o644)
}

// reader reads files by their path from the repository's root; names that lead
// out of it aren't the book's.
func reader(root string) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if !filepath.IsLocal(path) || strings.HasPrefix(path, ".") {
			return nil, &os.PathError{Op: "open", Path: path, Err: os.ErrNotExist}
		}
		return os.ReadFile(filepath.Join(root, path))
	}
}
