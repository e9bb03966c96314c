package network

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	namespaces "cooper/stage01-namespaces"
)

// Without root nobody makes links on the host. But whoever makes a user
// namespace is root over the network namespace in it, and may have a tap link
// there: a cable whose other end is a file. What the container sends comes out of
// it frame by frame, and a program on the host says the same once more through
// sockets, which anybody may open:
//
//	container:  socket ── TCP/IP ── eth0 ═ file ── program ── socket ── TCP/IP ── up0  :host
//
// There are two such programs, pasta(1) and slirp4netns(1). pasta gives the
// container the host's own address and copies no payload that it needn't;
// slirp4netns is older, and has a whole TCP/IP in it.

// UserMode returns the network of users without root: that of whichever program
// is installed.
func UserMode() (Mode, error) {
	for _, mode := range []Mode{Pasta, Slirp4netns} {
		if _, err := exec.LookPath(string(mode)); err == nil {
			return mode, nil
		}
	}
	return "", errors.New("no program for a network without root: install pasta (package passt) or slirp4netns, or use --network none")
}

// isUserMode reports whether a program without privilege makes the network.
func (m Mode) isUserMode() bool { return m == Pasta || m == Slirp4netns }

// validateUserMode refuses a container whose network namespace no such program
// may enter.
func (s *Spec) validateUserMode() error {
	if os.Geteuid() == 0 || !s.IsNew(namespaces.User) {
		return fmt.Errorf("network %s: it is for users without root, in a user namespace: use --network bridge", s.Network.Mode)
	}
	if s.Network.FilesDir == "" {
		return fmt.Errorf("network %s: there is no directory for its files", s.Network.Mode)
	}
	return nil
}

// userMode is the program of one container.
type userMode struct {
	spec    *Spec
	process *namespaces.Process

	command *exec.Cmd
	passed  []*os.File    // become descriptors 3, 4, … of the program
	said    complaints    // for the error if it fails
	ended   chan struct{} // closed once it was waited for
}

// start starts the program and returns when it says by ready that the network
// is there, or has ended.
//
// It ends with us, however we end: the kernel kills it (PR_SET_PDEATHSIG). The
// thread that started it lives as long as the program, see namespaces.Launch.
func (u *userMode) start(ready *os.File, args ...string) error {
	if err := mayMakeTaps(); err != nil {
		ready.Close()
		return err
	}
	u.command = exec.Command(args[0], args[1:]...)
	u.command.Dir = u.spec.Network.FilesDir
	u.command.Stderr = &u.said
	u.command.ExtraFiles = u.passed
	u.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL, Setsid: true}
	return u.await(ready)
}

func (u *userMode) await(ready *os.File) error {
	if err := u.command.Start(); err != nil {
		ready.Close()
		u.command = nil
		return err
	}
	u.ended = make(chan struct{})
	go func() {
		_ = u.command.Wait() // how it ended, ProcessState tells
		ready.Close()        // nothing more comes
		close(u.ended)
	}()
	if _, err := ready.Read(make([]byte, 16)); err != nil {
		<-u.ended
		return fmt.Errorf("%s: %s: %s", u.spec.Network.Mode, u.command.ProcessState, lastWords(string(u.said.text)))
	}
	return nil
}

// mayMakeTaps looks at the file by which tap links are made, and is more help
// than what the programs say.
func mayMakeTaps() error {
	const file = "/dev/net/tun"
	err := unix.Access(file, unix.R_OK|unix.W_OK)
	switch {
	case errors.Is(err, unix.EACCES):
		return fmt.Errorf("%s is for root alone: chmod 0666 %[1]s, as udev has it (it lets users make links in namespaces of their own only)", file)
	case err != nil:
		return fmt.Errorf("tap links: %w: modprobe tun", &os.PathError{Op: "access", Path: file, Err: err})
	}
	return nil
}

// end ends the program, if this process started it, waits until it has, and
// removes the file that its start needed.
func (u *userMode) end(file string) error {
	if u.spec.Network.FilesDir == "" {
		return nil // nothing was started
	}
	return errors.Join(u.kill(), removeFile(u.file(file)))
}

func (u *userMode) kill() error {
	if u.command == nil {
		return nil
	}
	err := u.command.Process.Kill()
	<-u.ended
	u.command = nil
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// complaints are the first 4 KiB that a program says; later it may say more.
type complaints struct{ text []byte }

func (c *complaints) Write(text []byte) (int, error) {
	room := 4096 - len(c.text)
	c.text = append(c.text, text[:min(room, len(text))]...)
	return len(text), nil
}

// lastWords are the lines with which a program gave up, as one. On a machine
// without syslog pasta complains of that after each line.
func lastWords(said string) string {
	var lines []string
	for line := range strings.Lines(said) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "Usage:") {
			break
		}
		if line != "" && !strings.HasSuffix(line, "to syslog") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

// namespace is the path of one of the container's namespaces.
func (u *userMode) namespace(kind string) string {
	return fmt.Sprintf("/proc/%d/ns/%s", u.process.Pid, kind)
}

// file is the path of a file that only the start needs.
func (u *userMode) file(name string) string {
	return filepath.Join(u.spec.Network.FilesDir, name)
}

func removeFile(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Reserve is Bind for a program that binds the ports itself, a moment later:
// whoever was quicker makes it fail.
func Reserve(s *Spec) error {
	proxy, err := Bind(s)
	if errors.Is(err, unix.EACCES) {
		err = fmt.Errorf("%w (the first port that needs no root is the sysctl net.ipv4.ip_unprivileged_port_start)", err)
	}
	if err != nil {
		return err
	}
	return proxy.Close()
}
