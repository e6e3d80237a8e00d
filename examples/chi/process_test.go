package main

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/health"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

// beTheApp is set for a process of this test that is to be the app.
const beTheApp = "BE_THE_APP"

// process is the app as a program.
type process struct {
	addr  string
	cmd   *exec.Cmd
	said  *bytes.Buffer
	ended chan struct{} // closed then
}

// start starts a program that knows nothing but what it is told here, and waits until
// it serves.
func start(t *testing.T, app string, env ...string) *process {
	t.Helper()
	for range 3 {
		p := launch(t, app, env...)
		if p.serves() {
			return p
		}
		if said := p.said.String(); !strings.Contains(said, "address already in use") { // somebody else was given it
			t.Fatalf("it ended with %v and said:\n%s", p.cmd.ProcessState, said)
		}
	}
	t.Fatal("no port is free")
	return nil
}

func launch(t *testing.T, app string, env ...string) *process {
	t.Helper()
	l := listen(t)
	p := &process{addr: l.Addr().String(), cmd: exec.Command(app), said: new(bytes.Buffer), ended: make(chan struct{})}
	l.Close() // for the program
	_, port, _ := net.SplitHostPort(p.addr)
	// Where the race detector is on, a program would wait for a second before it ends.
	p.cmd.Env = append(env, "PORT="+port, "GORACE=atexit_sleep_ms=0")
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait() //nolint:errcheck // ProcessState tells
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("the app said:\n%s", p.said)
		}
	})
	return p
}

// serves waits until it does, and returns false if it ends before.
func (p *process) serves() bool {
	for {
		if conn, err := net.Dial("tcp", p.addr); err == nil {
			conn.Close()
			return true
		}
		select {
		case <-p.ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// stop ends the program as an operator would. It may have ended before.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGINT) //nolint:errcheck // it has ended then
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill() //nolint:errcheck // as above
		<-p.ended
		t.Error("the app did not end when it was told to")
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// startEdges starts an edge in each machine's region, and waits until they know where
// the primary is.
func startEdges(t *testing.T, machines []fleet.Machine) (map[region.Code]string, <-chan *journey.Record) {
	t.Helper()
	records := make(chan *journey.Record, 100)
	silent := slog.New(slog.DiscardHandler)
	all := fleet.New(func(a, b region.Code) time.Duration { return time.Millisecond }, machines...)
	edges := map[region.Code]string{}
	for _, m := range machines {
		e, err := edge.New(edge.Config{Region: m.Region, App: m.App, Fleet: all, Logger: silent, Record: func(r *journey.Record) { records <- r.Clone() }})
		if err != nil {
			t.Fatal(err)
		}
		l, srv := listen(t), e.Server()
		go srv.Serve(l) //nolint:errcheck // it ends when it is closed
		t.Cleanup(func() { srv.Close(); e.Close() })
		edges[m.Region] = l.Addr().String()
	}
	ctx, stop := context.WithCancel(context.Background())
	watched := make(chan struct{})
	go func() {
		health.Watch(ctx, health.Config{Fleet: all, Every: 20 * time.Millisecond, Logger: silent})
		close(watched)
	}()
	t.Cleanup(func() { stop(); <-watched })
	for patience := time.After(20 * time.Second); !known(all); {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patience:
			t.Fatal("nobody says where the primary is")
		}
	}
	return edges, records
}

// known reports whether all machines have said what their databases are.
func known(f *fleet.Fleet) bool {
	s := f.Snapshot()
	return s.Primary("links").Region == "ord" && !slices.ContainsFunc(s.Machines(), func(m fleet.Machine) bool {
		return m.Claim.Role == machine.None
	})
}
