package cli

import (
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// A shell that completes a line asks cooper itself: it calls the line so far
// with --generate-bash-completion behind it, and the library answers with what
// may come next. Only the few lines that hook this into the shell are here.

const bashCompletion = `_cooper() {
	local word=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]:0:COMP_CWORD}")
	[[ $word == -* ]] && words+=("$word")
	COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$word"))
}
complete -o default -F _cooper cooper
`

const zshCompletion = `#compdef cooper
_cooper() {
	local -a answers line
	line=("${(@)words[1,CURRENT-1]}")
	[[ ${words[CURRENT]} == -* ]] && line+=("${words[CURRENT]}")
	answers=("${(@f)$("${line[@]}" --generate-bash-completion 2>/dev/null)}")
	if [[ -n ${answers[1]} ]]; then compadd -- "${answers[@]}"; else _files; fi
}
compdef _cooper cooper
`

func completionCommand() *urfave.Command {
	return &urfave.Command{
		Name: "completion", Category: others,
		Usage:     "Print the completion for a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: "bash:  source <(cooper completion bash)\n" +
			"zsh:   source <(cooper completion zsh)\n" +
			"fish:  cooper completion fish | source",
		Action: takes(1, 1, func(c *urfave.Context) error {
			script, err := completion(c.App, c.Args().First())
			if err == nil {
				fmt.Fprint(c.App.Writer, script)
			}
			return err
		}),
		BashComplete: func(c *urfave.Context) { fmt.Fprintln(c.App.Writer, "bash\nzsh\nfish") },
	}
}

func completion(app *urfave.App, shell string) (string, error) {
	switch shell {
	case "bash":
		return bashCompletion, nil
	case "zsh":
		return zshCompletion, nil
	case "fish":
		script, err := app.ToFishCompletion()
		return strings.ReplaceAll(script, "`", ""), err
	}
	return "", &usageError{"", fmt.Sprintf("no completion for the shell %q: use bash, zsh or fish", clean(shell))}
}
