package docs

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
)

// StepNames returns the names of the steps that a stage's own source declares,
// in alphabetical order, each once.
//
// A name is a string literal that is nothing but the stage's word, a slash and
// the act: "rootfs/pivot_root". Looking for literals, and not for Steps, finds
// the names also where a function builds the Step.
func StepNames(stage Stage, sources []Source) []string {
	pattern := regexp.MustCompile(`^` + stage.Word + `/[a-z][a-z0-9_]*$`)
	var names []string
	for _, source := range sources {
		if source.Test() {
			continue
		}
		ast.Inspect(source.Syntax, func(node ast.Node) bool {
			if _, isImport := node.(*ast.ImportSpec); isImport {
				return false
			}
			literal, ok := node.(*ast.BasicLit)
			if ok && literal.Kind == token.STRING {
				if name, err := strconv.Unquote(literal.Value); err == nil && pattern.MatchString(name) {
					names = append(names, name)
				}
			}
			return true
		})
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// HiddenStepNames returns where a Step is written down with a Name that isn't
// spelled out, so that no reader and no machine can look for it.
func HiddenStepNames(sources []Source) []string {
	var places []string
	for _, source := range sources {
		if source.Test() {
			continue
		}
		ast.Inspect(source.Syntax, func(node ast.Node) bool {
			if literal, ok := node.(*ast.CompositeLit); ok && computesName(literal) {
				places = append(places, fmt.Sprintf("%s: a Step's Name is computed", source.At(literal)))
			}
			return true
		})
	}
	return places
}

// computesName recognises a Step by its two fields Name and Why.
func computesName(literal *ast.CompositeLit) bool {
	var name ast.Expr
	hasWhy := false
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return false
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == "Name" {
			name = pair.Value
		} else if ok && key.Name == "Why" {
			hasWhy = true
		}
	}
	_, sum := name.(*ast.BinaryExpr)
	_, call := name.(*ast.CallExpr)
	return hasWhy && (sum || call)
}
