package docs

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryStepHasItsHeadingAndEveryHeadingItsStep(t *testing.T) {
	texts := pages(t)
	for _, stage := range Stages() {
		t.Run(stage.Dir(), func(t *testing.T) {
			names := StepNames(stage, sources(t, stage))
			text, written := texts[stage.Chapter()]
			require.True(t, written, "%s isn't written yet; its steps are %s", stage.Chapter(), strings.Join(names, ", "))

			headings := stepHeadings(stage, ParsePage(text))
			for _, name := range names {
				require.Contains(t, headings, name, "%s: a reader of --explain looks for ### %s", stage.Chapter(), name)
				require.Positive(t, headings[name].Prose, "%s: ### %s explains nothing", stage.Chapter(), name)
			}
			for name := range headings {
				require.Contains(t, names, name, "%s explains a step that %s doesn't take", stage.Chapter(), stage.Dir())
			}
		})
	}
}

func TestAStepsNameIsSpelledOut(t *testing.T) {
	require.Empty(t, HiddenStepNames(everySource(t)), "write the name as one literal, so that it can be searched for")
}

// stepHeadings are a chapter's headings that name a step.
func stepHeadings(stage Stage, page Page) map[string]Heading {
	headings := map[string]Heading{}
	for _, heading := range page.Headings {
		if act, ok := strings.CutPrefix(heading.Text, stage.Word+"/"); ok && !strings.ContainsAny(act, " `") {
			headings[heading.Text] = heading
		}
	}
	return headings
}

func TestStepNamesAreFoundWhereverTheyStand(t *testing.T) {
	const text = `package rootfs

import _ "rootfs/notastep"

func steps() []Step {
	return []Step{
		{Name: "rootfs/pivot_root", Why: "why"},
		bind("rootfs/bind_mounts"),
		{Name: "rootfs/" + kind, Why: "why"},
		{Name: "cgroups/create", Why: "not ours"},
	}
}

const path = "rootfs/pivot_root/deeper"
`
	files := token.NewFileSet()
	syntax, err := parser.ParseFile(files, "steps.go", text, 0)
	require.NoError(t, err)
	list := []Source{{Path: "stage03-rootfs/steps.go", Files: files, Syntax: syntax}}
	require.Equal(t, []string{"rootfs/bind_mounts", "rootfs/pivot_root"}, StepNames(Stage{3, "rootfs"}, list))
	require.Equal(t, []string{"stage03-rootfs/steps.go:9: a Step's Name is computed"}, HiddenStepNames(list))
}
