// Command cooper is the container engine. Run "cooper --help".
package main

import (
	"context"
	"os"

	"cooper/stage01-namespaces"
	"cooper/stage06-network"
	"cooper/stage07-cli"
	"cooper/stage07-cli/archive"
	"cooper/stage07-cli/shim"
)

// One program is four. What it is, it knows before the command line is looked
// at: the child that becomes a container's command, the shim that watches over
// a container, the process that copies files in one, or the command line.
func main() {
	namespaces.Init(network.Inside)
	shim.Main()
	archive.Main()
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
