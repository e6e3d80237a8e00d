package wan

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespace is a network namespace, kept by a descriptor alone.
type namespace struct{ fd int }

const ofThisThread = "/proc/thread-self/ns/net"

func openNamespace() (int, error) {
	fd, err := unix.Open(ofThisThread, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", ofThisThread, err)
	}
	return fd, nil
}

// newNamespace returns a new one, with nothing in it but loopback, which is down.
func newNamespace() (*namespace, error) {
	n := &namespace{fd: -1}
	return n, elsewhere(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return privileged("a network namespace", err)
		}
		n.fd, err = openNamespace()
		return err
	})
}

// do runs f on a thread that is in the namespace. Sockets and processes that f makes
// stay there; goroutines that it starts are not in it.
func (n *namespace) do(f func() error) error {
	return elsewhere(func() error {
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter a network namespace: %w", err)
		}
		return f()
	})
}

func (n *namespace) close() error {
	if n.fd < 0 {
		return nil
	}
	return unix.Close(n.fd)
}

// elsewhere runs f, which may put its thread into another namespace. A thread that
// cannot be brought back ends with its goroutine, so that nobody else finds himself
// there.
func elsewhere(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		home, err := openNamespace()
		if err != nil {
			done <- err
			return
		}
		defer unix.Close(home)
		err = f()
		if back := unix.Setns(home, unix.CLONE_NEWNET); back == nil {
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
