package trace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// listener receives what nftables reports in one network namespace.
type listener struct {
	fd     int
	buffer []byte
	events []event
	lost   bool // the kernel had more to say than the socket could hold
}

// room is for some ten thousand messages; a packet makes a few dozen. There may
// be other traces on.
const room = 8 << 20

func listen(ns *os.File) (*listener, error) {
	l := &listener{buffer: make([]byte, 64<<10)}
	err := inside(ns, func() (err error) {
		l.fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
		return os.NewSyscallError("socket", err)
	})
	if err != nil {
		return nil, fmt.Errorf("listen to nftables: %w", err)
	}
	err = errors.Join(
		os.NewSyscallError("bind", unix.Bind(l.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})),
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room)),
		os.NewSyscallError("setsockopt", unix.SetsockoptInt(l.fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, unix.NFNLGRP_NFTRACE)),
	)
	if err != nil {
		l.close()
		return nil, fmt.Errorf("listen to nftables: %w", err)
	}
	return l, nil
}

// drain reads what is there, and doesn't wait for more.
func (l *listener) drain() error {
	for {
		n, _, err := unix.Recvfrom(l.fd, l.buffer, 0)
		switch {
		case err == unix.EAGAIN:
			return nil
		case err == unix.EINTR:
			continue
		case err == unix.ENOBUFS:
			l.lost = true
			continue
		case err != nil:
			return fmt.Errorf("listen to nftables: %w", os.NewSyscallError("recvfrom", err))
		}
		messages, err := syscall.ParseNetlinkMessage(l.buffer[:n])
		if err != nil {
			return fmt.Errorf("listen to nftables: %w", err)
		}
		for _, message := range messages {
			if message.Header.Type != unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_TRACE {
				continue
			}
			event, err := parseEvent(message.Data)
			if err != nil {
				return err
			}
			l.events = append(l.events, event)
		}
	}
}

func (l *listener) close() { unix.Close(l.fd) }

// afterthought is how long the rules' report of a drop may come after the news
// of it: a rule that rejects answers first, perhaps to another processor.
const afterthought = 50 * time.Millisecond

// await waits for the call's outcome, and reads what the listeners hear
// meanwhile. It ends early when over says that nothing more will come.
func await(ctx context.Context, c *call, listeners []*listener, patience time.Duration, over func() bool) (outcome, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return outcome{}, fmt.Errorf("wait for an answer: %w", os.NewSyscallError("eventfd", err))
	}
	defer unix.Close(wake)
	woken := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(woken)
		_, _ = unix.Write(wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	})
	defer func() {
		if !stop() {
			<-woken // it writes to a descriptor that is about to be closed
		}
	}()

	fds := []unix.PollFd{{Fd: int32(wake), Events: unix.POLLIN}, {Fd: int32(c.fd), Events: c.events()}}
	for _, l := range listeners {
		fds = append(fds, unix.PollFd{Fd: int32(l.fd), Events: unix.POLLIN})
	}
	var o outcome
	for deadline := time.Now().Add(patience); ; {
		left := time.Until(deadline)
		_, err := unix.Poll(fds, max(int((left+time.Millisecond-1)/time.Millisecond), 0))
		if err != nil && err != unix.EINTR {
			return outcome{}, fmt.Errorf("wait for an answer: %w", os.NewSyscallError("poll", err))
		}
		if err := ctx.Err(); err != nil {
			return outcome{}, fmt.Errorf("wait for an answer: %w", err)
		}
		done := false
		if err == nil && fds[1].Revents != 0 {
			o, done = c.outcome()
		}
		for _, l := range listeners {
			if err := l.drain(); err != nil {
				return outcome{}, err
			}
		}
		if done && o.answered || left <= 0 || over() {
			return o, nil
		}
		if done {
			fds[1].Fd = -1 // poll(2) ignores it
			deadline = time.Now().Add(afterthought)
		}
	}
}
