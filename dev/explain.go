package dev

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// Listen opens a loopback port, 0 for any, and says how to go on if it is in use.
func Listen(port int, whose string) (net.Listener, error) {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		err = fmt.Errorf("%s cannot listen: %w", whose, err)
	}
	return l, inUse(err)
}

// Explain adds to an error of [Start] how somebody at a command line can mend it. nil
// stays nil.
func Explain(err error) error {
	if errors.Is(err, ErrNoCluster) {
		return fmt.Errorf("%w; install PostgreSQL 14 or newer (Debian: apt-get install postgresql), or use --db sqlite, which needs nothing", err)
	}
	var plain plainError
	if errors.As(err, &plain) && plain.late {
		return fmt.Errorf("%w; with --patience it may take longer", err)
	}
	return inUse(err)
}

// inUse says of a port how to go on.
func inUse(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; end what uses it, or choose other ports with --port", err)
	}
	return err
}
