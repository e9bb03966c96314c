package docs

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNothingImportsUpward(t *testing.T) {
	for _, source := range everySource(t) {
		for _, imported := range source.Imports {
			if inside(imported) {
				require.Empty(t, objection(source, imported), "%s imports %s", source.Path, imported)
			}
		}
	}
}

func inside(importPath string) bool { return strings.HasPrefix(importPath, "cooper/") }

// objection says what is wrong with an import among the repository's own
// packages, or "" where nothing is.
func objection(source Source, imported string) string {
	from, to := source.Package(), imported
	if forTests(to) && !source.Test() {
		return "a package for tests"
	}
	if strings.Contains(to, "/cmd/") {
		return "a program"
	}
	if to == "cooper/docs" && !strings.HasPrefix(from, "cooper/docs") {
		return "the book explains the code, not the other way round"
	}
	if stageOf(from) == 0 {
		return "" // the book's tests look at everything
	}
	if stageOf(to) > stageOf(from) {
		return "a later stage"
	}
	if roomOf(from) != "" && roomOf(to) != "" && !mayEnter(roomOf(from), roomOf(to)) {
		return "no arrow leads from the room " + roomOf(from) + " to the room " + roomOf(to)
	}
	return ""
}

// stageOf returns the number of the stage that a package belongs to, 0 for
// none.
func stageOf(importPath string) int {
	for _, stage := range Stages() {
		if importPath == "cooper/"+stage.Dir() || strings.HasPrefix(importPath, "cooper/"+stage.Dir()+"/") {
			return stage.Number
		}
	}
	return 0
}

// roomOf returns the room of stage 7 that a package is in: "engine" for
// engine and what lies below it, "cli" for the stage's own package, "cmd" for
// the program, "" for a package of another stage.
func roomOf(importPath string) string {
	const house = "cooper/stage07-cli"
	if importPath == house {
		return "cli"
	}
	below, ok := strings.CutPrefix(importPath, house+"/")
	if !ok {
		return ""
	}
	room, _, _ := strings.Cut(below, "/")
	return room
}

// arrows are the only ones between the rooms of stage 7. CLI and API are two
// faces of the engine; the engine talks to a shim but is no part of it; shim
// and runtime stand on stage 6 alone, and archive, which copies files, on stage 4.
var arrows = map[string][]string{
	"cmd":    {"cli", "shim", "archive", "runtime"}, // which of them this process is, the program decides
	"cli":    {"engine", "build", "api", "runtime", "archive"},
	"api":    {"engine", "build", "archive"},
	"build":  {"engine"},
	"engine": {"shim", "archive"},
}

func mayEnter(from, to string) bool {
	if from == to {
		return true
	}
	for _, room := range arrows[from] {
		if room == to {
			return true
		}
	}
	return false
}

func TestTheArrowsPointOneWay(t *testing.T) {
	for _, test := range []struct{ file, imports, want string }{
		{"stage03-rootfs/spec.go", "cooper/stage02-cgroups", ""},
		{"stage03-rootfs/spec.go", "cooper/stage01-namespaces", ""},
		{"stage02-cgroups/spec.go", "cooper/stage03-rootfs", "a later stage"},
		{"stage02-cgroups/cmd/stage02/main.go", "cooper/stage02-cgroups", ""},
		{"stage02-cgroups/group.go", "cooper/stage01-namespaces/notrace", "a package for tests"},
		{"stage02-cgroups/group_test.go", "cooper/stage01-namespaces/notrace", ""},
		{"stage03-rootfs/busyroot/busyroot.go", "cooper/stage01-namespaces/notrace", ""},
		{"stage07-cli/run.go", "cooper/stage07-cli/engine", ""},
		{"stage07-cli/run.go", "cooper/stage07-cli/shim", "no arrow leads from the room cli to the room shim"},
		{"stage07-cli/engine/engine.go", "cooper/stage07-cli", "no arrow leads from the room engine to the room cli"},
		{"stage07-cli/engine/engine.go", "cooper/stage07-cli/shim/client", ""},
		{"stage07-cli/shim/shim.go", "cooper/stage06-network", ""},
		{"stage07-cli/shim/shim.go", "cooper/stage07-cli/engine", "no arrow leads from the room shim to the room engine"},
		{"stage07-cli/cmd/cooper/main.go", "cooper/stage07-cli", ""},
		{"stage07-cli/run.go", "cooper/stage07-cli/cmd/cooper", "a program"},
		{"stage07-cli/run.go", "cooper/docs", "the book explains the code, not the other way round"},
		{"docs/cmd/listings/main.go", "cooper/docs", ""},
	} {
		t.Run(path.Dir(test.file)+" to "+test.imports, func(t *testing.T) {
			require.Equal(t, test.want, objection(Source{Path: test.file}, test.imports))
		})
	}
}
