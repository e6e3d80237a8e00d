package wan

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace, which a descriptor alone keeps.
type namespace struct{ file *os.File }

const ofThisThread = "/proc/thread-self/ns/net"

// newNamespace returns a new one, with nothing in it but loopback, which is down.
func newNamespace() (*namespace, error) {
	n := new(namespace)
	return n, elsewhere(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return privileged("a network namespace", err)
		}
		n.file, err = os.Open(ofThisThread)
		return err
	})
}

// enter puts this thread into it. Nobody enters one that was closed: its descriptor may
// be another's by then.
func (n *namespace) enter() error {
	raw, err := n.file.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	if raw.Control(func(fd uintptr) { refused = unix.Setns(int(fd), unix.CLONE_NEWNET) }) != nil {
		return os.ErrClosed
	}
	return refused
}

// do runs f on a thread that is in the namespace. Sockets and processes that f makes
// stay there; goroutines that it starts are not in it.
func (n *namespace) do(f func() error) error {
	return elsewhere(func() error {
		if err := n.enter(); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

func (n *namespace) close() error {
	if n.file == nil {
		return nil
	}
	return n.file.Close()
}

// elsewhere runs f, which may put its thread into another namespace. A thread that
// cannot be brought back ends with its goroutine, so that nobody else finds himself
// there.
func elsewhere(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		file, err := os.Open(ofThisThread)
		if err != nil {
			done <- err
			return
		}
		defer file.Close()
		home := &namespace{file}
		err = f()
		if home.enter() == nil {
			runtime.UnlockOSThread()
		}
		done <- err
	}()
	return <-done
}

// privileged explains an error that says that we may not.
func privileged(what string, err error) error {
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		return fmt.Errorf("%s is for root to make (%w): run this as root, or with unshare --user --map-root-user where users may", what, err)
	}
	return fmt.Errorf("make %s: %w", what, err)
}
