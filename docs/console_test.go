package docs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"cooper/stage01-namespaces/notrace"

	"github.com/stretchr/testify/require"
)

// patience is for one block, with the race detector's tests beside it.
const patience = time.Minute

// reader is who types after a "$ ": an ordinary user without a name.
const readerID = 1000

func TestEveryConsoleBlockRunsAndAnswersAsPrinted(t *testing.T) {
	programs := ""
	missing := map[string]string{}
	texts := pages(t)
	for _, page := range inOrder(texts) {
		for _, fence := range ParsePage(texts[page]).Fences {
			if fence.Language != "console" {
				continue
			}
			t.Run(fmt.Sprintf("%s:%d", page, fence.Line), func(t *testing.T) {
				notrace.Check(t)
				if programs == "" {
					programs = buildPrograms(t, missing)
				}
				for program, why := range missing {
					require.False(t, calls(fence, program), "the block calls %s, which doesn't build: %s", program, why)
				}
				checkBlock(t, fence, programs)
			})
		}
	}
	if programs != "" {
		require.NoError(t, os.RemoveAll(programs))
	}
}

// buildPrograms builds every stage's program as a reader would, and returns
// the directory they are in. What can't be built is missing, with the reason.
func buildPrograms(t *testing.T, missing map[string]string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "cooper-programs-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	for _, stage := range Stages() {
		build := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-buildvcs=false", "-o", dir, "./"+stage.Program())
		build.Dir = root
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			missing[path.Base(stage.Program())] = string(out)
		}
	}
	return dir
}

// calls reports whether a block calls the program.
func calls(fence Fence, program string) bool {
	return strings.Contains(strings.Join(fence.Lines, "\n"), program+" ")
}

// checkBlock types a block's commands into a shell of its own, in an empty
// directory, and compares the answers.
func checkBlock(t *testing.T, fence Fence, programs string) {
	commands, err := ParseConsole(fence)
	require.NoError(t, err)
	output := typeIn(t, commands, programs)
	answers := Answers(output)
	for i, command := range commands {
		if i >= len(answers) {
			t.Fatalf("line %d: %s: the shell had ended before; everything it said:\n%s",
				command.Line, command.Text, strings.ReplaceAll(output, separator, ""))
		}
		if !Match(command.Want, answers[i]) {
			t.Errorf("line %d: %s\nthe page says:\n%s\nthe terminal says:\n%s", command.Line, command.Text,
				strings.Join(command.Want, "\n"), strings.Join(answers[i], "\n"))
		}
	}
}

// typeIn types the commands into one shell and returns all that it answered.
func typeIn(t *testing.T, commands []Command, programs string) string {
	return inShell(t, "exec sh", Script(commands), asRoot(commands), programs)
}

// inShell gives a script to a shell, in an empty directory, as root or as an
// ordinary user, and returns all that it wrote.
func inShell(t *testing.T, command, text string, asRoot bool, programs string) string {
	scratch, err := os.MkdirTemp("", "cooper-") // short: the paths of sockets may have 107 bytes
	require.NoError(t, err)
	defer os.RemoveAll(scratch)
	home := filepath.Join(scratch, "home")
	require.NoError(t, errors.Join(os.Chmod(scratch, 0o755), os.Mkdir(home, 0o755), os.Chown(home, readerID, readerID)))
	script := filepath.Join(scratch, "script")
	require.NoError(t, os.WriteFile(script, []byte(text), 0o644))

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	shell := exec.CommandContext(ctx, "sh", "-c", command+" "+script)
	shell.Dir = home
	shell.Env = []string{
		"PATH=" + programs + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=" + home, "COOPER_ROOT=" + filepath.Join(scratch, "root"), "COOPER_RUN=" + filepath.Join(scratch, "run"), "LANG=C.UTF-8", "TERM=dumb",
	}
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if !asRoot {
		shell.SysProcAttr.Credential = &syscall.Credential{Uid: readerID, Gid: readerID}
	}
	shell.WaitDelay = time.Second
	output, err := shell.CombinedOutput()
	removeBridge(t, filepath.Join(programs, "cooper"), shell.Env, filepath.Join(scratch, "root"))
	require.NoError(t, ctx.Err(), "the block took longer than %s; so far it said:\n%s", patience, output)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("run the block: %v\n%s", err, output)
	}
	return string(output)
}

// removeBridge removes the one thing that an engine keeps outside its
// directories: the bridge, which waits for the next container.
func removeBridge(t *testing.T, cooper string, env []string, stateRoot string) {
	if _, err := os.Stat(filepath.Join(stateRoot, "networks")); err != nil {
		return // no container of this block was on a network
	}
	cleanup := exec.Command(cooper, "system", "cleanup")
	cleanup.Env = env
	out, err := cleanup.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

func asRoot(commands []Command) bool {
	for _, command := range commands {
		if command.Root {
			return true
		}
	}
	return false
}

func TestAnAnswerIsComparedLineByLine(t *testing.T) {
	for _, test := range []struct {
		name, want, got string
		match           bool
	}{
		{"the same", "a\nb", "a\nb", true},
		{"blanks at the end", "a  ", "a", true},
		{"blanks at the beginning", "  a", "a", false},
		{"a line too few", "a\nb", "a", false},
		{"a line too many", "a", "a\nb", false},
		{"nothing promised", "", "a", false},
		{"nothing came", "a", "", false},
		{"any lines", "a\n...\nd", "a\nb\nc\nd", true},
		{"any lines may be none", "a\n...\nd", "a\nd", true},
		{"any lines to the end", "a\n...", "a\nb", true},
		{"any lines don't swallow what follows", "...\nd", "d\ne", false},
		{"anything on a line", "pid … of …", "pid 12 of 300", true},
		{"anything may be nothing", "pid …", "pid ", true},
		{"anything ends with the line", "pid …\nnext", "pid 12", false},
		{"what stands around it must be there", "pid … of", "pid 12", false},
		{"ends don't overlap", "ab…ba", "aba", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			lines := func(text string) []string {
				if text == "" {
					return nil
				}
				return strings.Split(text, "\n")
			}
			require.Equal(t, test.match, Match(lines(test.want), lines(test.got)))
		})
	}
}

func TestOneShellTakesAllCommandsOfABlock(t *testing.T) {
	commands, err := ParseConsole(Fence{Line: 10, Lines: []string{
		"$ cask=hogshead", "$ false", "$ echo $? $cask", "1 hogshead", "$ printf 'no newline'", "no newline",
		"$ for i in 1 2; do", ">   echo $i", "> done", "1", "2", "$ echo oops >&2", "oops",
	}})
	require.NoError(t, err)
	require.Equal(t, Command{Line: 13, Text: "echo $? $cask", Want: []string{"1 hogshead"}}, commands[2])

	output, err := exec.Command("sh", "-c", "exec 2>&1\n"+Script(commands)).Output()
	require.NoError(t, err)
	answers := Answers(string(output))
	require.Len(t, answers, len(commands))
	for i, command := range commands {
		require.Equal(t, command.Want, answers[i], command.Text)
	}
}

func TestAConsoleBlockBeginsWithACommand(t *testing.T) {
	_, err := ParseConsole(Fence{Line: 10, Lines: []string{"just text"}})
	require.ErrorContains(t, err, "line 11")
}
