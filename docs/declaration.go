package docs

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
)

// Declaration cuts one declaration out of a Go file, byte for byte as it
// stands there, with its doc comment and whatever comment ends its last line.
//
// The name is a function's ("Take"), a method's ("Spec.Validate", with or
// without a pointer), a type's, or the first name of a const or var group.
func Declaration(path string, source []byte, name string) (string, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return "", fmt.Errorf("listing %s: %w", path, err)
	}
	for _, decl := range file.Decls {
		if name == "" || declaredName(decl) != name {
			continue
		}
		start := decl.Pos()
		if doc := declaredDoc(decl); doc != nil {
			start = doc.Pos()
		}
		from, to := files.Position(start).Offset, files.Position(decl.End()).Offset
		if rest := bytes.IndexByte(source[to:], '\n'); rest >= 0 {
			to += rest
		}
		return string(source[from:to]), nil
	}
	return "", fmt.Errorf("listing %s: no declaration is called %s: "+
		"name a function, a Type.Method, a type, or the first name of a group", path, name)
}

// declaredName is what a listing calls a declaration.
func declaredName(decl ast.Decl) string {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name
		}
		return receiver(d.Recv.List[0].Type) + "." + d.Name.Name
	case *ast.GenDecl:
		if len(d.Specs) == 0 {
			return ""
		}
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return spec.Name.Name
		case *ast.ValueSpec:
			return spec.Names[0].Name
		}
	}
	return ""
}

// receiver is the name of a method's type without its star and parameters.
func receiver(expr ast.Expr) string {
	switch t := expr.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

func declaredDoc(decl ast.Decl) *ast.CommentGroup {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}
