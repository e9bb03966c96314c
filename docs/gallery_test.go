package docs

import (
	"os"
	"strings"
	"testing"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

func TestEveryAttackSucceedsOneStageEarlierAndFailsFromThisStageOn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip(notrace.SkipReason + "root")
	}
	texts := pages(t)
	missing := map[string]string{}
	programs := buildPrograms(t, missing)
	defer os.RemoveAll(programs)
	require.Empty(t, missing)
	for _, stage := range Stages() {
		gallery, err := ParseGallery(texts[stage.Chapter()])
		require.NoError(t, err, stage.Chapter())
		if stage.Number <= 6 {
			require.NotEmpty(t, gallery.Attacks, "%s shows no attacks", stage.Chapter())
		}
		t.Run(stage.Word, func(t *testing.T) {
			notrace.Check(t)
			for _, attack := range gallery.Attacks {
				t.Run(attack.Name, func(t *testing.T) { checkAttack(t, gallery, attack, programs) })
			}
		})
	}
}

// checkAttack runs an attack both ways, and sees that the two outcomes are as
// the page has them, and not the same.
func checkAttack(t *testing.T, gallery Gallery, attack Attack, programs string) {
	before := attackFrom(t, gallery.Machine, gallery.Before, attack, programs)
	compareOutcome(t, "one stage earlier", attack.Before, before)
	now := attackFrom(t, gallery.Machine, gallery.Now, attack, programs)
	compareOutcome(t, "from this stage on", attack.Now, now)
	require.False(t, Match(attack.Before, now), "the attack succeeds still, or its row doesn't tell")
}

// attackFrom runs an attack's script on a machine of its own and returns the
// lines that it printed.
func attackFrom(t *testing.T, machine, held string, attack Attack, programs string) []string {
	t.Helper()
	answers := Answers(inShell(t, machine, held+"\n"+attack.Script+"\n", true, programs))
	if len(answers) == 0 {
		return nil
	}
	return answers[0]
}

func compareOutcome(t *testing.T, when string, want, got []string) {
	t.Helper()
	require.True(t, Match(want, got), "%s, the page says:\n%s\nthe terminal says:\n%s",
		when, strings.Join(want, "\n"), strings.Join(got, "\n"))
}

const sampleGallery = "# Casks\n\n" +
	"```sh\nnot ours\n```\n\n## The attack gallery\n\nWords.\n\n" +
	"```sh\nunshare sh\n```\n\n```sh\ninside() { \"$@\"; }\n```\n\n```sh\ninside() { stage01 run \"$@\"; }\n```\n\n" +
	"| attack | before | now |\n|---|---|---|\n" +
	"| [Drill a hole](#drill-a-hole) | `wine`<br>`more … wine` | *nothing* |\n\n" +
	"### Drill a hole\n\nWords.\n\n```sh\ninside drill\ninside drink\n```\n\n## Exercises\n\n```sh\nnot ours\n```\n"

func TestAGalleryIsReadFromItsPage(t *testing.T) {
	gallery, err := ParseGallery(sampleGallery)
	require.NoError(t, err)
	require.Equal(t, Gallery{
		Machine: "unshare sh", Before: `inside() { "$@"; }`, Now: `inside() { stage01 run "$@"; }`,
		Attacks: []Attack{{Line: 25, Name: "Drill a hole", Script: "inside drill\ninside drink", Before: []string{"wine", "more … wine"}}},
	}, gallery)

	gallery, err = ParseGallery("# Casks\n\n## Exercises\n")
	require.NoError(t, err)
	require.Empty(t, gallery.Attacks)
}

func TestAGalleryOnWhosePageSomethingIsAmissIsAnError(t *testing.T) {
	for _, test := range []struct{ replace, by, want string }{
		{"```sh\nunshare sh\n```\n", "", "has 2 blocks of shell, and the gallery takes 3"},
		{"```sh\ninside drill\ninside drink\n```\n", "", `"Drill a hole" has 0 blocks`},
		{"### Drill a hole", "### Drill two holes", `the table tells of "Drill a hole" where "Drill two holes" stands`},
		{"(#drill-a-hole)", "(#drill)", "leads to #drill instead of #drill-a-hole"},
		{"`wine`<br>", "wine<br>", "a cell is"},
		{"| *nothing* |\n", "| *nothing* |\n| Drink | `a` | `b` |\n", "a row is"},
		{"| [Drill", "| [Empty](#empty) | *nothing* | *nothing* |\n| [Drill", "the table has 2 rows, and 1 attacks"},
	} {
		_, err := ParseGallery(strings.Replace(sampleGallery, test.replace, test.by, 1))
		require.ErrorContains(t, err, test.want, "with %q", test.by)
	}
}
