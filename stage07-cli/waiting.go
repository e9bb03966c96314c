package cli

import (
	"fmt"
	"io"

	"cooper/stage05-images/flock"
)

// tellOfWaits has it said when a command waits long for another process, which
// may be busy, or stopped.
func tellOfWaits(stderr io.Writer) {
	flock.OnWait = func(path string, holder int) {
		by := "another process"
		if holder != 0 {
			by = fmt.Sprintf("pid %d", holder)
		}
		fmt.Fprintf(stderr, "cooper: waiting for lock held by %s: %s\n", by, path)
	}
}
