package cli

import (
	"bufio"
	"fmt"
	"strings"

	urfave "github.com/urfave/cli/v2"
)

// agreed asks before something is lost. Only a line that begins with y agrees;
// the end of the input doesn't.
func agreed(c *urfave.Context, warning string) bool {
	fmt.Fprintf(c.App.Writer, "WARNING! %s\nAre you sure you want to continue? [y/N] ", warning)
	line, _ := bufio.NewReader(c.App.Reader).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
