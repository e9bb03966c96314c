package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"cooper/stage05-images/registry"

	urfave "github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// askLogin gets a user's name and password: from the flags, from standard
// input, or by asking for them. known is offered as the name.
func askLogin(c *urfave.Context, host, known string) (l registry.Login, err error) {
	l = registry.Login{Username: c.String("username"), Password: c.String("password")}
	switch {
	case c.IsSet("password") && c.Bool("password-stdin"):
		return l, &usageError{"", "--password and --password-stdin are mutually exclusive"}
	case c.Bool("password-stdin") && l.Username == "":
		return l, &usageError{"", "must provide --username with --password-stdin"}
	case c.IsSet("password"):
		fmt.Fprintln(c.App.ErrWriter, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.")
	case c.Bool("password-stdin"):
		if l.Password, err = readPassword(c.App.Reader); err != nil {
			return l, err
		}
	}
	if err := promptFor(c, host, known, &l); err != nil {
		return l, err
	}
	if l.Username == "" || l.Password == "" {
		return l, errors.New("log in: neither the user name nor the password may be empty")
	}
	return l, nil
}

// readPassword reads all of standard input, but for the end of its line, which
// echo has put there.
func readPassword(from io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(from, 1<<20))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), nil
}

// promptFor asks for what is missing, if there is somebody to ask.
func promptFor(c *urfave.Context, host, known string, l *registry.Login) (err error) {
	if l.Username != "" && (l.Password != "" || c.Bool("password-stdin")) {
		return nil
	}
	terminal, ok := c.App.Reader.(*os.File)
	if !ok || !isTerminal(terminal) {
		return errors.New("cannot perform an interactive login from a non TTY device: give --username and --password-stdin")
	}
	if l.Username == "" {
		offer := ""
		if known != "" {
			offer = " (" + clean(known) + ")"
		}
		fmt.Fprintf(c.App.Writer, "Log in at %s\nUsername%s: ", host, offer)
		var line string
		if line, err = bufio.NewReader(terminal).ReadString('\n'); err != nil {
			return fmt.Errorf("read user name: %w", err)
		}
		if l.Username = strings.TrimSpace(line); l.Username == "" {
			l.Username = known
		}
	}
	if l.Password != "" {
		return nil
	}
	l.Password, err = readHidden(c, terminal, "Password: ")
	return err
}

// readHidden asks for a line that the terminal doesn't show: neither from the
// moment on in which it is asked for, nor when ^C ends us. The reading itself
// can't be interrupted, so it is left to a goroutine; which must leave the
// terminal alone, as it may come to it when ^C has already given the echo back.
func readHidden(c *urfave.Context, terminal *os.File, prompt string) (_ string, err error) {
	fd := int(terminal.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	ctx, stop := signal.NotifyContext(c.Context, unix.SIGINT, unix.SIGTERM)
	defer stop()
	defer func() {
		err = errors.Join(err, term.Restore(fd, before))
		fmt.Fprintln(c.App.Writer) // in place of the one that wasn't echoed
	}()
	if err := stopEcho(fd); err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	fmt.Fprint(c.App.Writer, prompt)
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := bufio.NewReader(terminal).ReadString('\n')
		answers <- answer{line, err}
	}()
	select {
	case got := <-answers:
		if got.err != nil {
			return "", fmt.Errorf("read password: %w", got.err)
		}
		return strings.TrimSuffix(got.line, "\n"), nil
	case <-ctx.Done():
		return "", exitWith(128 + int(unix.SIGINT))
	}
}

// stopEcho has a terminal hand over whole lines, and ^C as a signal, and keeps
// it from showing what is typed; see termios(3).
func stopEcho(fd int) error {
	mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return os.NewSyscallError("ioctl", err)
	}
	mode.Iflag |= unix.ICRNL
	mode.Lflag = mode.Lflag&^unix.ECHO | unix.ICANON | unix.ISIG
	return os.NewSyscallError("ioctl", unix.IoctlSetTermios(fd, unix.TCSETS, mode))
}
