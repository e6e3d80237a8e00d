//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package keys

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal is where somebody types and reads. One goroutine uses it.
type Terminal struct {
	fd int
	// before is how it was when it was taken; nil: it is not taken.
	before *unix.Termios
}

// Open returns the terminal that in and out both are, for keys to be read from in. nil:
// they are no terminal, or none that controls who is in the foreground.
func Open(in *os.File, out io.Writer) *Terminal {
	shown, ok := out.(syscall.Conn)
	if !ok {
		return nil
	}
	fd := terminal(in)
	if fd < 0 || terminal(shown) < 0 {
		return nil
	}
	if _, err := unix.IoctlGetInt(fd, unix.TIOCGPGRP); err != nil {
		return nil
	}
	return &Terminal{fd: fd}
}

// terminal returns the number of a file that is a terminal, or -1. [os.File.Fd] would
// change how the file is read.
func terminal(file syscall.Conn) int {
	conn, err := file.SyscallConn()
	if err != nil {
		return -1
	}
	number := -1
	_ = conn.Control(func(fd uintptr) { // a closed file has no number
		if _, err := unix.IoctlGetTermios(int(fd), getTermios); err == nil {
			number = int(fd)
		}
	})
	return number
}

// inForeground reports whether the terminal is ours to read and to set. Whoever else does
// either is stopped by the kernel.
func (t *Terminal) inForeground() bool {
	group, err := unix.IoctlGetInt(t.fd, unix.TIOCGPGRP)
	return err == nil && group == unix.Getpgrp()
}

// read returns what was typed since the last time, and takes the terminal if it is there
// to be taken. The error is that of a terminal that is gone.
func (t *Terminal) read(typed []byte) (int, error) {
	if !t.inForeground() {
		return 0, nil
	}
	if err := t.take(); err != nil {
		return 0, err
	}
	n, err := unix.Read(t.fd, typed)
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), err
}

// take switches lines and echo off, if they are on: a shell switches them on behind our
// back when it has stopped us and lets us go on. Reads return at once, with what there
// is. Signals by keys stay, and what lines of output end with; but Ctrl-Z comes as a key,
// since a program in Go cannot catch its signal and then be stopped by it.
func (t *Terminal) take() error {
	now, err := unix.IoctlGetTermios(t.fd, getTermios)
	if err != nil {
		return err
	}
	lines := now.Lflag&unix.ICANON != 0
	if t.before != nil && !lines && now.Lflag&unix.ECHO == 0 && now.Cc[unix.VMIN] == 0 && now.Cc[unix.VTIME] == 0 {
		return nil
	}
	if t.before == nil || lines { // without lines it may be what we have made of it
		before := *now
		t.before = &before
	}
	now.Lflag &^= unix.ICANON | unix.ECHO
	now.Cc[unix.VMIN], now.Cc[unix.VTIME], now.Cc[unix.VSUSP] = 0, 0, noKey
	return unix.IoctlSetTermios(t.fd, setTermios, now)
}

// giveBack makes the terminal what it was, unless it is another's now, who has done so.
func (t *Terminal) giveBack() {
	if t.before != nil && t.inForeground() {
		_ = unix.IoctlSetTermios(t.fd, setTermios, t.before) // it fails where there is no terminal any more
	}
	t.before = nil
}

// listen has c told of signals that would end this program at once, but for those that
// it was started to ignore.
func listen(c chan<- os.Signal) {
	for _, sig := range []os.Signal{unix.SIGQUIT, unix.SIGABRT} {
		if !signal.Ignored(sig) {
			signal.Notify(c, sig)
		}
	}
}

// endBy lets a signal do what it does without us.
func endBy(sig os.Signal) {
	signal.Reset(sig)
	_ = unix.Kill(unix.Getpid(), sig.(unix.Signal)) // to oneself is allowed
	time.Sleep(longest)                             // it comes meanwhile
}

// longest bounds how long a signal is waited for.
const longest = time.Second

// stop stops this program and its group, as Ctrl-Z does, and returns when they go on. A
// group that nobody could continue is not stopped by the kernel.
func stop(ctx context.Context) {
	goesOn := make(chan os.Signal, 1)
	signal.Notify(goesOn, unix.SIGCONT)
	defer signal.Stop(goesOn)
	_ = unix.Kill(0, unix.SIGTSTP) // to one's own group is allowed
	late := time.NewTimer(longest)
	defer late.Stop()
	select {
	case <-goesOn:
	case <-late.C:
	case <-ctx.Done():
	}
}
