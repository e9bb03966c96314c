package docs

import (
	"go/ast"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryStageHasTheSameShape(t *testing.T) {
	for _, stage := range Stages() {
		t.Run(stage.Dir(), func(t *testing.T) {
			own := sources(t, stage)
			files := []string{stage.Chapter(), stage.Program() + "/main.go", stage.Dir() + "/doc.go"}
			if stage.Word != "cli" {
				files = append(files, stage.Dir()+"/spec.go", stage.Dir()+"/steps.go")
			}
			for _, file := range files {
				require.FileExists(t, filepath.Join(root, file))
			}
			for _, source := range own {
				if path.Dir(source.Path) == stage.Dir() {
					name := strings.TrimSuffix(source.Syntax.Name.Name, "_test")
					require.Equal(t, stage.Word, name, "%s: the package is named after the word behind the dash", source.Path)
				}
			}
		})
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	documented := map[string]bool{}
	for _, source := range everySource(t) {
		if !strings.HasSuffix(source.Path, "_test.go") {
			documented[source.Package()] = documented[source.Package()] || source.Syntax.Doc.Text() != ""
		}
	}
	for pkg, ok := range documented {
		require.True(t, ok, "%s has no package comment", pkg)
	}
}

func TestNoPackageHasANameThatSaysNothing(t *testing.T) {
	empty := []string{"util", "utils", "helper", "helpers", "common", "manager", "misc", "base", "lib", "shared"}
	for _, source := range everySource(t) {
		name := strings.TrimSuffix(source.Syntax.Name.Name, "_test")
		require.NotContains(t, empty, name, source.Path)
		for _, part := range strings.Split(path.Dir(source.Path), "/") {
			require.NotContains(t, empty, part, source.Path)
		}
	}
}

func TestNothingHappensBeforeMain(t *testing.T) {
	for _, source := range everySource(t) {
		for _, decl := range source.Syntax.Decls {
			function, ok := decl.(*ast.FuncDecl)
			require.False(t, ok && function.Recv == nil && function.Name.Name == "init",
				"%s: what init does, nobody sees; call it by name", source.At(decl))
		}
	}
}

// mayRunPrograms are the files that do what no code of ours could: newuidmap and
// newgidmap are setuid, where a credential helper keeps its logins is nobody's
// business but its own, and pasta and slirp4netns are each a whole TCP/IP.
func mayRunPrograms() []string {
	return []string{"stage01-namespaces/newidmap.go", "stage05-images/registry/helper.go", "stage06-network/usermode.go"}
}

func TestTheEngineRunsNoOtherProgram(t *testing.T) {
	for _, source := range everySource(t) {
		if source.Test() || strings.HasPrefix(source.Path, "docs/") || slices.Contains(mayRunPrograms(), source.Path) {
			continue
		}
		for _, place := range startsProgram(source) {
			t.Errorf("%s: a program is started that may be missing, or another's; use the system call", place)
		}
	}
}

// startsProgram returns where a file starts a program, other than its own by
// the kernel's name for it, /proc/self/exe.
func startsProgram(source Source) (places []string) {
	starters := []string{"exec.Command", "exec.CommandContext", "os.StartProcess"}
	ast.Inspect(source.Syntax, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || !slices.Contains(starters, qualifiedName(call.Fun)) {
			return true
		}
		if !slices.ContainsFunc(call.Args, isOwnProgram) {
			places = append(places, source.At(call))
		}
		return true
	})
	return places
}

// qualifiedName returns "exec.Command" for that expression, "" for others.
func qualifiedName(expr ast.Expr) string {
	selector, ok := expr.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	pkg, ok := selector.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return pkg.Name + "." + selector.Sel.Name
}

func isOwnProgram(arg ast.Expr) bool {
	literal, ok := arg.(*ast.BasicLit)
	return ok && literal.Kind == token.STRING && literal.Value == `"/proc/self/exe"`
}

func TestTheRepositoryHoldsNothingElse(t *testing.T) {
	want := []string{".ci", ".gitignore", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "docs", "go.mod", "go.sum"}
	for _, stage := range Stages() {
		want = append(want, stage.Dir())
	}
	entries, err := os.ReadDir(root)
	require.NoError(t, err)
	for _, entry := range entries {
		if entry.Name() != ".git" && entry.Name() != "bin" {
			require.Contains(t, want, entry.Name(), "the top level is the stages and what leads to them")
		}
	}
}
