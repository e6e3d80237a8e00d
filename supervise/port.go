package supervise

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	firstWait = 5 * time.Millisecond
	longWait  = 200 * time.Millisecond
	// quiet is how long an app may take to listen before anything seems wrong. Many
	// listen on another port first, for a debugger or for metrics.
	// After that its ports are looked at twice in as long, and more and more rarely: an
	// app may be meant to open none.
	quiet = 2 * time.Second
)

// pause waits for d, or returns false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watchPort makes the process up when its port accepts a connection; nothing of a
// program that we do not know tells when that will be. Until then it notes what may be
// wrong.
func (p *Process) watchPort(ctx context.Context, r *running) {
	begun := time.Now()
	look := begun.Add(p.quiet)
	for wait := firstWait; !p.cfg.accepts(ctx); wait = min(wait*3/2, longWait) {
		if !pause(ctx, wait) {
			return
		}
		if time.Now().After(look) {
			look = time.Now().Add(max(p.quiet/2, time.Since(begun)/4))
			p.note(p.cfg.problem(r))
		}
	}
	if ctx.Err() == nil {
		p.board.update(func(s *Status) { s.State = Up })
	}
}

func (p *Process) note(problem string) {
	if now, _ := p.Status(); now.Problem != problem {
		p.board.update(func(s *Status) { s.Problem = problem })
	}
}

// accepts reports whether something on loopback accepts connections on the port. It is
// true where there is no port to ask.
func (c Config) accepts(ctx context.Context) bool {
	if c.Port == 0 {
		return true
	}
	dialer := net.Dialer{Timeout: time.Second}
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(c.Port))))
		if err == nil {
			conn.Close()
			return true
		}
	}
	return false
}

// portIsFree keeps another program's port from being taken for the app's.
func (c Config) portIsFree(ctx context.Context) error {
	if c.Port == 0 || !c.accepts(ctx) {
		return nil
	}
	return fmt.Errorf("supervise: port %d is in use by another program; end that one, or choose another port", c.Port)
}

// Ports returns the TCP ports that the process and what it has started listen on, in
// order. It is known on Linux alone; elsewhere the error is [errors.ErrUnsupported].
// Where nothing runs it is [os.ErrProcessDone].
func (p *Process) Ports() ([]uint16, error) {
	r := p.running()
	if r == nil {
		return nil, os.ErrProcessDone
	}
	return r.ports()
}

// problem says why the app does not come up, as far as its ports tell.
func (c Config) problem(r *running) string {
	if c.Port == 0 || r == nil {
		return ""
	}
	ports, err := r.ports()
	switch {
	case err != nil || len(ports) == 0:
		return fmt.Sprintf("nothing listens on port %d", c.Port)
	case slices.Contains(ports, c.Port):
		return fmt.Sprintf("the app listens on %d, but does not accept connections on 127.0.0.1 or ::1", c.Port)
	}
	return fmt.Sprintf("the app listens on %s, not on %d as PORT says; tell it with {port} in its command", list(ports), c.Port)
}

// list is ports as people say them: "3000, 3001 and 9229".
func list(ports []uint16) string {
	words := make([]string, len(ports))
	for i, port := range ports {
		words[i] = strconv.Itoa(int(port))
	}
	last := len(words) - 1
	if last < 1 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
