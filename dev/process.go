package dev

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"homing/health"
	"homing/supervise"
)

// process runs a machine's copy of the app as a process of its own, and starts it
// again when it ends.
type process struct {
	command func(Machine) (supervise.Config, error)

	supervised *supervise.Process
	stop       context.CancelFunc
	running    sync.WaitGroup
}

func (p *process) start(m *runner) error {
	port := freePort(m.lastAddr())
	cfg, err := p.command(m.site.machine(m.id, m.number, m.site.world.cfg.Group, port))
	if err != nil {
		return plainly(err)
	}
	if err := cfg.Find(); err != nil {
		return plainly(err) // before anything runs: it is missing for all machines alike
	}
	cfg.Port = port
	if p.supervised, err = supervise.New(cfg); err != nil {
		return plainly(err)
	}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	m.moveTo(net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	m.set(vital{on: true, coming: true})
	ended := make(chan struct{})
	p.running.Go(func() {
		defer close(ended)
		_ = p.supervised.Run(ctx) // why it could not start stands in its status
	})
	p.running.Go(func() { p.follow(ctx, m, ended) })
	return nil
}

// freePort returns a port that nobody listens on: that of last, if it had one and it is
// free. Others are below those from which systems draw the ports of outgoing connections:
// until the app listens somebody might get it there.
func freePort(last string) uint16 {
	if _, text, err := net.SplitHostPort(last); err == nil {
		if port, err := strconv.ParseUint(text, 10, 16); err == nil && port != 0 && isFree(uint16(port)) {
			return uint16(port)
		}
	}
	for {
		if port := uint16(10_000 + rand.IntN(10_000)); isFree(port) {
			return port
		}
	}
}

// isFree reports whether nobody listens on the port, in IPv6 either: to some, "localhost"
// is that. It does not listen itself to find out: a process that is started at that
// moment has the listener too, until it becomes its program, and the port looks taken.
func isFree(port uint16) bool {
	for _, host := range []string{"127.0.0.1", "::1"} {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, strconv.Itoa(int(port))), time.Second)
		if err == nil {
			conn.Close()
			return false
		}
	}
	return true
}

func (p *process) up(ctx context.Context, m *runner) error {
	if err := p.supervised.Up(ctx); err != nil {
		return plainly(err)
	}
	return m.settles(ctx)
}

// settles waits until the machine is ready, or it is known why it is not: that is shown,
// and may be over by tomorrow.
func (m *runner) settles(ctx context.Context) error {
	for {
		now, changed := m.state()
		if now.ready || now.problem != "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// plainly is an error of package supervise as users should read it.
func plainly(err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.DeadlineExceeded) {
		text, _ := strings.CutSuffix(err.Error(), ": "+context.DeadlineExceeded.Error())
		return plainError{errors.New(text), true}
	}
	return plainError{err, false}
}

// plainError leaves out who says so.
type plainError struct {
	err  error
	late bool // the app was not up in time
}

func (e plainError) Error() string { return strings.TrimPrefix(e.err.Error(), "supervise: ") }
func (e plainError) Unwrap() error { return e.err }

func (p *process) end() {
	p.stop()
	p.running.Wait()
}

// follow tells the runner how the process is, until it has ended for good.
func (p *process) follow(ctx context.Context, m *runner, ended <-chan struct{}) {
	exam := func() {}
	defer func() { exam() }()
	for last := supervise.Stopped; ; {
		now, changed := p.supervised.Status()
		if now.State != last || now.State != supervise.Up {
			exam()
			exam = func() {}
			switch {
			case ctx.Err() != nil: // whoever stops it says how it is
			case now.State == supervise.Up:
				exam = examine(ctx, m, p.address(ctx, m))
			default:
				p.warn(m, now)
				m.set(standingOf(now))
			}
		}
		last = now.State
		select {
		case <-changed:
		case <-ended:
			if now, _ := p.supervised.Status(); ctx.Err() == nil {
				m.set(vital{on: true, problem: now.Last.String()})
			}
			return
		}
	}
}

// warn tells of an app that listens elsewhere: who started it would wait in vain.
func (p *process) warn(m *runner, now supervise.Status) {
	if before, _ := m.state(); now.Problem != "" && now.Problem != before.problem {
		m.site.world.cfg.Logger.Warn("the app is not up: "+now.Problem, "region", m.site.region, "machine", m.id)
	}
}

// standingOf says how a machine is whose process is not up.
func standingOf(now supervise.Status) vital {
	v := vital{on: true, coming: true, problem: now.Problem}
	if now.State == supervise.Crashed {
		pause := max(0, now.Next.Sub(now.Last.Ended)).Round(100 * time.Millisecond)
		v.problem = fmt.Sprintf("%s; started again after %v", now.Last, pause)
	}
	return v
}

// address is where the process can be reached: some listen on ::1 alone, since
// "localhost" was that to them.
func (p *process) address(ctx context.Context, m *runner) string {
	addr := m.lastAddr()
	_, port, _ := net.SplitHostPort(addr)
	dialer := net.Dialer{Timeout: time.Second}
	for _, host := range []string{"127.0.0.1", "::1"} {
		at := net.JoinHostPort(host, port)
		if conn, err := dialer.DialContext(ctx, "tcp", at); err == nil {
			conn.Close()
			return at
		}
	}
	return addr
}

// examine gives the machine requests while its checks pass, until the returned
// function is called.
func examine(ctx context.Context, m *runner, addr string) (end func()) {
	m.moveTo(addr)
	checks := m.site.world.cfg.Checks
	if len(checks) == 0 {
		m.set(vital{on: true, ready: true})
		return m.follow(ctx, addr)
	}
	return watch(ctx, m, addr, checks)
}

// watch sets the machine's state by what checks find, and shows the others, until the
// returned function is called.
func watch(ctx context.Context, m *runner, addr string, checks []health.Check) (end func()) {
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		health.Examine(ctx, addr, checks, func(problem string) {
			m.set(vital{on: true, ready: problem == "", problem: problem})
		})
	})
	unfollow := m.follow(ctx, addr)
	return func() {
		cancel()
		wait.Wait()
		unfollow()
	}
}
