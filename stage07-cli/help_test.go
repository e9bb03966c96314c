package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	urfave "github.com/urfave/cli/v2"
)

func cooper(t *testing.T, line ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(context.Background(), line, os.Stdin, &out, &errs)
	return code, out.String(), errs.String()
}

// visit calls see with every command of the tree and its path.
func visit(commands []*urfave.Command, path []string, see func([]string, *urfave.Command)) {
	for _, command := range commands {
		here := append(path[:len(path):len(path)], command.Name)
		see(here, command)
		visit(command.Subcommands, here, see)
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	visit(newApp(nil, nil, nil).Commands, nil, func(path []string, command *urfave.Command) {
		code, out, errs := cooper(t, append(path, "--help")...)
		require.Zero(t, code, "%v: %s", path, errs)
		require.Contains(t, out, "Usage:  cooper "+strings.Join(path, " "))
		require.Contains(t, out, command.Usage)
		for _, flag := range command.VisibleFlags() {
			require.Contains(t, out, "--"+flag.Names()[0])
		}
		_, again, _ := cooper(t, append([]string{"help"}, path...)...)
		require.Equal(t, out, again)
	})
}

func TestEveryFlagOfEveryCommandTellsWhatItDoes(t *testing.T) {
	visit(newApp(nil, nil, nil).Commands, nil, func(path []string, command *urfave.Command) {
		seen := map[string]bool{}
		for _, flag := range command.Flags {
			usage := flag.(urfave.DocGenerationFlag).GetUsage()
			require.NotEmpty(t, usage, "%v --%s", path, flag.Names()[0])
			require.Equal(t, takesValue(flag), strings.Contains(usage, "`"), "%v --%s names its value in backquotes", path, flag.Names()[0])
			for _, name := range flag.Names() {
				require.False(t, seen[name], "%v has %s twice", path, name)
				seen[name] = true
			}
		}
	})
}

func TestTheHelpOfCooperShowsTheGroups(t *testing.T) {
	t.Setenv("COOPER_ROOT", "/somewhere/else") // changes what is used, not what is the default
	_, out, _ := cooper(t, "--help")
	require.Regexp(t, `(?s)^Usage:  cooper \[OPTIONS\] COMMAND\n.*Common Commands:\n  run .*Management Commands:\n  container .*Commands:\n.*Global Options:\n.*--root dir`, out)
	_, again, _ := cooper(t)
	require.Equal(t, out, again)
}

func TestTheVersionIsTold(t *testing.T) {
	for _, line := range [][]string{{"version"}, {"--version"}, {"-v"}} {
		code, out, _ := cooper(t, line...)
		require.Zero(t, code)
		require.Regexp(t, `^cooper version \d+\.\d+\.\d+ \(go.*, linux/.*\)\n$`, out)
	}
	_, out, _ := cooper(t, "version", "--format", "{{.Version}}")
	require.Equal(t, version+"\n", out)
}

func TestAShellIsToldHowALineCanGoOn(t *testing.T) {
	for line, want := range map[string]string{
		"":                 "run",
		"image":            "bootstrap",
		"run --pub":        "--publish",
		"container ls --n": "--no-trunc",
		"completion":       "zsh",
	} {
		// The library looks at the program's own arguments.
		command := exec.Command(os.Args[0], append(words(line), "--generate-bash-completion")...)
		command.Env = append(os.Environ(), asCooper+"=1")
		out, err := command.Output()
		require.NoError(t, err)
		require.Contains(t, words(string(out)), want, line)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, _ := cooper(t, "completion", shell)
		require.Zero(t, code)
		require.Contains(t, script, "cooper")
		if interpreter, err := exec.LookPath(shell); err == nil {
			check := exec.Command(interpreter, "-n")
			check.Stdin = strings.NewReader(script)
			out, err := check.CombinedOutput()
			require.NoError(t, err, string(out))
		}
	}
	code, _, errs := cooper(t, "completion", "tcsh")
	require.Equal(t, 125, code)
	require.Contains(t, errs, "use bash, zsh or fish")
}
