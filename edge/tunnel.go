package edge

import (
	"strings"
	"sync"

	"homing/forward"
)

// tunnel gives an answer of 101 to the client, whose connection is a pipe from now on:
// [trip.carry] is next.
func (t *trip) tunnel(answer *forward.Response) *Problem {
	if t.in.upgrade == "" {
		answer.Tunnel.Close()
		return problem(PU02, "the machine switched protocols without being asked to")
	}
	header := t.answerHeader(answer.Header)
	header.Add("Connection", "Upgrade")
	for protocol := range answer.Header.Values("Upgrade") {
		header.Add("Upgrade", protocol)
	}
	client, err := t.out.switchTo(header)
	if err != nil {
		answer.Tunnel.Close()
		return problem(PU02, "the client's connection cannot switch protocols")
	}
	t.rec.Status = answer.Status
	t.pipe = &pipe{client, answer.Tunnel}
	t.forget()
	return nil
}

// carry carries bytes through the pipe in both directions until both have ended. That
// may be long after: it may be called in another goroutine than the rest, whose stack
// has not grown.
func (t *trip) carry() {
	t.idle.end() // the exchange is over
	t.edge.tunnels.add(t.pipe)
	w := idleWatch{motion: t.in.motion, stop: t.pipe.end}
	w.begin(t.idleLimit(), 0)
	forward.Join(w.motion.end(t.pipe.client), w.motion.end(t.pipe.machine))
	w.end()
	t.edge.tunnels.remove(t.pipe)
	t.pipe.end()
	if w.ended() {
		t.rec.Problem = "the tunnel was closed: " + idleError(t.idleLimit()).Error()
	}
	last := &t.rec.Hops[len(t.rec.Hops)-1]
	last.Took = t.elapsed() - last.Start
	t.finish()
}

// pipe is the two ends of a tunnel.
type pipe struct{ client, machine forward.End }

func (p *pipe) end() {
	p.client.Close()
	p.machine.Close()
}

// forget lets go of what only messages need: tunnels are many, and live for long.
func (t *trip) forget() {
	t.header, t.answer, t.response.Header, t.names = nil, nil, nil, names{}
	t.in.header, t.request, t.sending, t.traceparent = nil, forward.Request{}, nil, ""
	t.rec.ID = strings.Clone(t.rec.ID) // it was cut from a larger piece
}

// tunnels are those that are open, for Close to end.
type tunnels struct {
	mu     sync.Mutex
	open   map[*pipe]struct{}
	closed bool
}

func (ts *tunnels) add(p *pipe) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closed {
		p.end()
		return
	}
	if ts.open == nil {
		ts.open = make(map[*pipe]struct{})
	}
	ts.open[p] = struct{}{}
}

func (ts *tunnels) remove(p *pipe) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	delete(ts.open, p)
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
