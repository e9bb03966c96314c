// Package cli is the command cooper: the last stage, where the engine meets
// the people who use it.
//
// It teaches how a container is supervised without a daemon (shim/), how its
// life is kept in files that ls and jq can read (engine/), and what a command
// line owes its users: the spelling that they know, the exit status that their
// scripts rely on, a terminal that works afterwards, and errors that say what
// to do next.
//
// The package holds the commands, one a file, and nothing of the engine: it
// reads the line, calls package engine, and prints. Its chapter is
// docs/07-cli.md. See also termios(3), signal(7), sysexits in bash(1).
package cli
