package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Source is one Go file of the repository, parsed.
type Source struct {
	Path    string // from the repository's root, with slashes
	Files   *token.FileSet
	Syntax  *ast.File
	Imports []string // what it imports, as import paths
}

// Sources parses every Go file below the given directories of the repository.
// A directory that isn't there has none.
func Sources(root string, dirs ...string) ([]Source, error) {
	var list []Source
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(name, ".go") {
				return ignoreMissing(err)
			}
			source, err := parseSource(root, name)
			list = append(list, source)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func ignoreMissing(err error) error {
	if pathErr, ok := err.(*fs.PathError); ok && pathErr.Op == "lstat" {
		return nil
	}
	return err
}

func parseSource(root, name string) (Source, error) {
	relative, err := filepath.Rel(root, name)
	if err != nil {
		return Source{}, err
	}
	source := Source{Path: filepath.ToSlash(relative), Files: token.NewFileSet()}
	source.Syntax, err = parser.ParseFile(source.Files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return source, err
	}
	for _, spec := range source.Syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return source, err
		}
		source.Imports = append(source.Imports, imported)
	}
	return source, nil
}

// Package is the import path of the file's package: "cooper/stage03-rootfs".
func (s Source) Package() string { return path.Join("cooper", path.Dir(s.Path)) }

// Test reports whether only tests see this file: by its name, or because its
// package exists for tests alone.
func (s Source) Test() bool {
	return strings.HasSuffix(s.Path, "_test.go") || forTests(s.Package())
}

// forTests reports whether a package exists for tests alone, and so may do
// what the engine may not, such as running other programs.
func forTests(importPath string) bool {
	return slices.Contains([]string{"notrace", "busyroot", "registrytest"}, path.Base(importPath))
}

// At says where in the repository a node stands: "stage03-rootfs/pivot.go:12".
func (s Source) At(node ast.Node) string {
	return s.Path + ":" + strconv.Itoa(s.Files.Position(node.Pos()).Line)
}
