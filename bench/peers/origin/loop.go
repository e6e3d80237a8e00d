//go:build linux

package main

import (
	"fmt"
	"syscall"
)

// loop serves all connections from one thread.
type loop struct {
	epoll     int
	listeners map[int]bool // descriptor: whether it is home's
	conns     map[int]*conn
}

func newLoop() (*loop, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &loop{epoll: fd, listeners: map[int]bool{}, conns: map[int]*conn{}}, nil
}

func (l *loop) close() {
	for fd := range l.listeners {
		syscall.Close(fd)
	}
	for fd := range l.conns {
		syscall.Close(fd)
	}
	syscall.Close(l.epoll)
}

// listen opens a port on loopback and returns its address.
func (l *loop) listen(home bool) (string, error) {
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("socket: %w", err)
	}
	l.listeners[fd] = home
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", fmt.Errorf("bind: %w", err)
	}
	if err := syscall.Listen(fd, 4096); err != nil {
		return "", fmt.Errorf("listen: %w", err)
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		return "", fmt.Errorf("getsockname: %w", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port), l.watch(syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN)
}

func (l *loop) watch(op, fd int, events uint32) error {
	if err := syscall.EpollCtl(l.epoll, op, fd, &syscall.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("epoll_ctl: %w", err)
	}
	return nil
}

// serve returns only with an error.
func (l *loop) serve() error {
	events := make([]syscall.EpollEvent, 1024)
	for {
		n, err := syscall.EpollWait(l.epoll, events, -1)
		if err != nil && err != syscall.EINTR {
			return fmt.Errorf("epoll_wait: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			fd := int(e.Fd)
			if home, ok := l.listeners[fd]; ok {
				l.accept(fd, home)
			} else if c := l.conns[fd]; c != nil {
				l.turn(c)
			}
		}
	}
}

func (l *loop) accept(listener int, home bool) {
	for {
		fd, _, err := syscall.Accept4(listener, syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC)
		if err != nil {
			return // EAGAIN: that was all; what else it may be, the next turn shows
		}
		// An answer is one write; without this the second of two would wait for an ACK.
		_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		l.conns[fd] = &conn{fd: fd, home: home, in: make([]byte, 0, 4<<10)}
		if err := l.watch(syscall.EPOLL_CTL_ADD, fd, syscall.EPOLLIN); err != nil {
			l.drop(l.conns[fd])
		}
	}
}

// turn lets a connection go on, and watches for what it waits for now.
func (l *loop) turn(c *conn) {
	before := c.waitsToWrite()
	if !c.advance() {
		l.drop(c)
		return
	}
	if c.waitsToWrite() == before {
		return
	}
	events := uint32(syscall.EPOLLIN)
	if c.waitsToWrite() {
		events = syscall.EPOLLOUT
	}
	if err := l.watch(syscall.EPOLL_CTL_MOD, c.fd, events); err != nil {
		l.drop(c)
	}
}

func (l *loop) drop(c *conn) {
	syscall.Close(c.fd)
	delete(l.conns, c.fd)
}
