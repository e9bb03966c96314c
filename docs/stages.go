package docs

import "fmt"

// Stage is one stage of the book: a directory, the package in it, a chapter.
type Stage struct {
	Number int    // 1 to 7
	Word   string // "rootfs": the package's name, and what its steps' names begin with
}

// Stages lists them in the order of the book.
func Stages() []Stage {
	return []Stage{
		{1, "namespaces"},
		{2, "cgroups"},
		{3, "rootfs"},
		{4, "unionfs"},
		{5, "images"},
		{6, "network"},
		{7, "cli"},
	}
}

// Dir is the stage's directory from the repository's root: "stage03-rootfs".
func (s Stage) Dir() string { return fmt.Sprintf("stage%02d-%s", s.Number, s.Word) }

// Chapter is the page that explains it: "docs/03-rootfs.md".
func (s Stage) Chapter() string { return fmt.Sprintf("docs/%02d-%s.md", s.Number, s.Word) }

// Program is the stage's main package: "stage03-rootfs/cmd/stage03". The last
// stage's program is the engine itself.
func (s Stage) Program() string {
	if s.Word == "cli" {
		return s.Dir() + "/cmd/cooper"
	}
	return fmt.Sprintf("%s/cmd/stage%02d", s.Dir(), s.Number)
}
