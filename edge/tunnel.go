package edge

import (
	"io"
	"sync"
	"time"

	"homing/forward"
)

// tunnel carries an answer of 101 to the client, and then bytes in both
// directions until both have ended.
func (t *trip) tunnel(answer *forward.Response) *Problem {
	defer answer.Tunnel.Close()
	if t.in.upgrade == "" {
		return problem(PU02, "the machine switched protocols without being asked to")
	}
	header := t.answerHeader(answer.Header)
	header.Add("Connection", "Upgrade")
	for protocol := range answer.Header.Values("Upgrade") {
		header.Add("Upgrade", protocol)
	}
	t.rec.Status = answer.Status
	client, err := t.out.switchTo(header)
	if err != nil {
		return problem(PU02, "the client's connection cannot switch protocols")
	}
	defer client.Close()
	open := t.edge.tunnels.add(client, answer.Tunnel)
	defer t.edge.tunnels.remove(open)

	if t.joinUntilIdle(client, answer.Tunnel, open) {
		t.rec.Problem = "the tunnel was closed: " + idleError(t.idleLimit()).Error()
	}
	last := &t.rec.Hops[len(t.rec.Hops)-1]
	last.Took = time.Since(t.rec.Start) - last.Start
	return nil
}

// tunnels are those that are open, for Close to end.
type tunnels struct {
	mu     sync.Mutex
	open   map[*openTunnel]struct{}
	closed bool
}

type openTunnel struct{ client, machine io.Closer }

func (o *openTunnel) end() {
	o.client.Close()
	o.machine.Close()
}

func (ts *tunnels) add(client, machine io.Closer) *openTunnel {
	o := &openTunnel{client, machine}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closed {
		o.end()
		return o
	}
	if ts.open == nil {
		ts.open = make(map[*openTunnel]struct{})
	}
	ts.open[o] = struct{}{}
	return o
}

func (ts *tunnels) remove(o *openTunnel) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.open, o)
}

// closeAll ends all tunnels, and those that are still to come.
func (ts *tunnels) closeAll() {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.closed = true
	for o := range ts.open {
		o.end()
	}
}
