package shim

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"cooper/stage01-namespaces"
	"cooper/stage07-cli/shim/state"
	"golang.org/x/sys/unix"
)

// listen opens the shim's socket. A path socket, readable by us alone in a
// directory of ours alone, and never an abstract one: those belong to the
// network namespace, and a container with the host's network could connect
// (CVE-2020-15257).
func (s *supervisor) listen() error {
	if err := os.MkdirAll(s.job.Socket, 0o700); err != nil {
		return err
	}
	if !s.job.Exec && !s.spec.IsNew(namespaces.PID) {
		if err := os.WriteFile(filepath.Join(s.job.Socket, state.LooseFile), nil, 0o600); err != nil {
			return err
		}
	}
	path := filepath.Join(s.job.Socket, state.SocketFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err // left by a run that was killed
	}
	dir, err := os.Open(s.job.Socket)
	if err != nil {
		return err
	}
	defer dir.Close()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	// Its mode before bind makes it a file: there is no moment in which it is wider.
	err = unix.Fchmod(fd, 0o600)
	if err == nil {
		err = unix.Bind(fd, socketAddress(dir))
	}
	if err == nil {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		unix.Close(fd)
		return &os.PathError{Op: "listen", Path: path, Err: err}
	}
	go s.acceptAll(os.NewFile(uintptr(fd), path))
	return nil
}

// acceptAll serves until the shim ends.
func (s *supervisor) acceptAll(listener *os.File) {
	raw, err := listener.SyscallConn()
	if err != nil {
		return
	}
	for {
		var conn int
		var acceptErr error
		err := raw.Read(func(fd uintptr) bool {
			conn, _, acceptErr = unix.Accept4(int(fd), unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
			return acceptErr != unix.EAGAIN
		})
		if err != nil {
			return
		}
		if acceptErr != nil {
			continue // ECONNABORTED: the client has gone again
		}
		if !isOurs(conn) {
			unix.Close(conn)
			continue
		}
		go s.serve(newPeer(os.NewFile(uintptr(conn), "client")))
	}
}

// isOurs checks who connects, should the socket's mode ever be changed.
func isOurs(conn int) bool {
	peer, err := unix.GetsockoptUcred(conn, unix.SOL_SOCKET, unix.SO_PEERCRED)
	return err == nil && int(peer.Uid) == os.Geteuid()
}

// serve answers one client until it goes.
func (s *supervisor) serve(p *peer) {
	for {
		k, payload, err := readFrame(p.conn, nil)
		if err != nil {
			p.conn.Close()
			return
		}
		switch k {
		case attach:
			var a Attach
			if err := json.Unmarshal(payload, &a); err != nil {
				_ = p.answer(err)
				continue
			}
			p.wants(a)
			s.peers.add(p)
			s.serveAttached(p)
			return
		case wait:
			s.peers.add(p)
			s.serveAttached(p)
			return
		case signals:
			err = s.signal(payload)
		case resize:
			err = s.resize(payload)
		case rewired:
			err = s.rewire()
		default:
			err = fmt.Errorf("unknown request %q", rune(k))
		}
		if p.answer(err) != nil {
			p.conn.Close()
			return
		}
	}
}

func (s *supervisor) signal(payload []byte) error {
	if len(payload) != 4 {
		return errors.New("signal: four bytes expected")
	}
	return s.process.Signal(unix.Signal(binary.BigEndian.Uint32(payload)))
}

func (s *supervisor) resize(payload []byte) error {
	if len(payload) != 4 {
		return errors.New("resize: four bytes expected")
	}
	return s.process.Resize(namespaces.WindowSize{
		Height: binary.BigEndian.Uint16(payload),
		Width:  binary.BigEndian.Uint16(payload[2:]),
	})
}

// serveAttached takes a client's input until it goes, and notices that it does.
func (s *supervisor) serveAttached(p *peer) {
	defer s.peers.drop(p)
	var buf []byte
	if p.stdin {
		buf = make([]byte, ioSize)
	}
	for {
		k, payload, err := readFrame(p.conn, buf)
		switch {
		case err != nil:
			// The client ended without a word. What it typed can't be finished by another.
			if p.stdin {
				s.endInput()
			}
			return
		case k == detach:
			return
		case k != stdin || !p.stdin || s.stdio.input == nil:
		case len(payload) == 0:
			s.endInput()
		default:
			_, _ = s.stdio.input.Write(payload) // EPIPE: the command has closed its input
		}
	}
}

// endInput is end-of-file for the command, if one client's input is all that
// it is to get. A terminal stays: to close it would hang up on the command.
func (s *supervisor) endInput() {
	if s.job.StdinOnce && !s.spec.Terminal {
		s.stdio.closeInput()
	}
}
