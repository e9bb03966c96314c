package cli

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func words(s string) []string { return strings.Fields(s) }

func TestEveryWayToWriteAnOptionBecomesTheSameLine(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"ps", "cooper ps --"},
		{"ps -aq", "cooper ps --all --quiet --"},
		{"--root /r -D ps", "cooper --root=/r --debug ps --"},
		{"run -it debian bash", "cooper run --interactive --tty -- debian bash"},
		{"run -ti -e A=1 debian", "cooper run --tty --interactive --env=A=1 -- debian"},
		{"run -itp8080:80 debian", "cooper run --interactive --tty --publish=8080:80 -- debian"},
		{"run -p=8080:80 debian", "cooper run --publish=8080:80 -- debian"},
		{"run --name it -it debian", "cooper run --name=it --interactive --tty -- debian"},
		{"run -e -x debian", "cooper run --env=-x -- debian"},
		{"run -e A=1 --env B=2 debian", "cooper run --env=A=1 --env=B=2 -- debian"},
		{"run --rm=false debian", "cooper run --rm=false -- debian"},
		{"run --explain debian", "cooper run --explain -- debian"},
		{"run --explain=json debian", "cooper run --explain=json -- debian"},
		{"run debian ls -l --rm -it", "cooper run -- debian ls -l --rm -it"},
		{"run debian -- --privileged", "cooper run -- debian -- --privileged"},
		{"run -- debian -x", "cooper run -- debian -x"},
		{"exec -it web sh -c x", "cooper exec --interactive --tty -- web sh -c x"},
		{"container run -d debian -d", "cooper container run --detach -- debian -d"},
		{"rm web -f", "cooper rm --force -- web"},
		{"rm -f -- -odd", "cooper rm --force -- -odd"},
		{"stop web -t 5 db", "cooper stop --time=5 -- web db"},
		{"logs -fn5 web", "cooper logs --follow --tail=5 -- web"},
		{"run -h web debian", "cooper run --hostname=web -- debian"},
		{"run - debian", "cooper run -- - debian"},
	} {
		t.Run(c.given, func(t *testing.T) {
			l, err := spell(newApp(nil, nil, nil), words(c.given))
			require.NoError(t, err)
			require.Equal(t, c.want, strings.Join(l.args, " "))
			require.False(t, l.help)
		})
	}
}

func TestAWrongLineNamesTheWordAndTheCommand(t *testing.T) {
	for _, c := range []struct{ given, message, path string }{
		{"frob", "unknown command: cooper frob", "cooper"},
		{"container frob", "unknown command: cooper container frob", "cooper container"},
		{"run --frob debian", "unknown flag: --frob", "cooper run"},
		{"run --link db debian", "unknown flag: --link: put both containers on a network that you have made, where they find each other by name", "cooper run"},
		{"run -ix debian", "unknown flag: -x in -ix", "cooper run"},
		{"run --name", "flag needs a value: --name", "cooper run"},
		{"run -itp", "flag needs a value: -p", "cooper run"},
		{"run --rm=maybe debian", `"maybe" is no value for --rm`, "cooper run"},
		{"stop -t soon web", `"soon" is no value for --time`, "cooper stop"},
		{"--frob ps", "unknown flag: --frob", "cooper"},
		{"ps \x1b[2J", "", ""},
		{"\x1b[2J", `unknown command: cooper \x1b[2J`, "cooper"},
	} {
		t.Run(c.given, func(t *testing.T) {
			_, err := spell(newApp(nil, nil, nil), words(c.given))
			if c.message == "" {
				require.NoError(t, err)
				return
			}
			var usage *usageError
			require.ErrorAs(t, err, &usage)
			require.Equal(t, c.message, usage.message)
			require.Equal(t, c.path, usage.path)
		})
	}
}

func TestHelpIsSeenInFrontOfTheArgumentsOnly(t *testing.T) {
	for line, help := range map[string]bool{
		"--help": true, "run --help": true, "rm web --help": true, "run -it --help debian": true, "container --help": true,
		"run debian --help": false, "exec web ls --help": false, "run -e --help debian": false,
	} {
		l, err := spell(newApp(nil, nil, nil), words(line))
		require.NoError(t, err, line)
		require.Equal(t, help, l.help, line)
	}
}
