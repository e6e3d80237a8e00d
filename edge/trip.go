package edge

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"homing/decision"
	"homing/fleet"
	"homing/forward"
	"homing/journey"
	"homing/replay"
	"homing/route"
	"homing/wire"
)

// trip is one request on its way through the fleet.
type trip struct {
	edge   *Edge
	ctx    context.Context         // ends with the client, or when nothing moves
	cancel context.CancelCauseFunc // nil: nothing can be under way
	in     *inbound
	out    sink
	rec    *journey.Record
	fleet  *fleet.Snapshot
	app    fleet.App // that the client addressed, whose options count
	wish   route.Wish
	target string      // for the next machine, as in the request line
	header http.Header // likewise
	cache  caching

	idle     idleWatch
	slot     fleet.Slot // of the machine that has the request now
	replays  int
	homeward bool // the last replay was for the primary, wherever that is
	cameBack bool // so was the one before, which found none
	fellBack bool // the last replay failed, and this hop is its fallback
	http2    bool // how the machine that has the request is spoken to
	cut      bool // the answer broke off in the middle
}

// serve brings the request to a machine, and on to others as long as they ask
// for it, and answers the client. It reports whether the client's connection
// must be cut because an answer broke off.
func (e *Edge) serve(in *inbound, out sink) (cut bool) {
	t := &trip{
		edge: e, in: in, out: out,
		rec: &journey.Record{
			ID: newRequestID(e.cfg.Region), Edge: e.cfg.Region, Start: time.Now(),
			Method: in.method, Host: in.host, Path: in.path,
		},
		fleet: e.cfg.Fleet.Snapshot(),
	}
	if p := t.run(); p != nil {
		t.fail(p)
	}
	if t.cancel != nil {
		t.idle.rest()
		t.cancel(nil)
	}
	t.slot.Release()
	t.rec.Duration = time.Since(t.rec.Start)
	e.finish(t.rec)
	return t.cut
}

func (t *trip) run() *Problem {
	if t.in.method == http.MethodConnect {
		return problem(BadRequest, "CONNECT is not served here")
	}
	var fault *wire.Error
	if errors.As(t.in.fault, &fault) {
		return &Problem{Code: BadRequest, Status: fault.Status, Detail: fault.Reason}
	}
	if p := t.aim(); p != nil {
		return p
	}
	if t.wantsHTTPS() {
		return t.toHTTPS()
	}
	t.limitIdling()
	t.target, t.header = t.in.target, t.edge.requestHeader(t.in, t.rec.ID)
	t.recall()
	for {
		answer, err := t.hop()
		if err != nil {
			p := problemOf(err)
			if p.Code == PA04 && t.replays == 0 {
				p.Code = PR01 // no replay named the app: its machines are just not there yet
			}
			return p
		}
		if !asksForReplay(answer.Header) {
			if answer.Tunnel != nil {
				return t.tunnel(answer)
			}
			return t.deliver(answer)
		}
		if p := t.turn(answer); p != nil {
			return p
		}
		t.idle.rest()
	}
}

// aim makes the first wish: for the app of the request's host, where the client
// asked to be served.
func (t *trip) aim() *Problem {
	app, ok := t.fleet.AppByHost(t.in.host)
	if !ok {
		app, _ = t.fleet.App(t.edge.cfg.App) // one that is not there yet has the usual options
		app.Name = t.edge.cfg.App
	}
	t.app, t.wish.From, t.wish.App = app, t.edge.cfg.Region, app.Name
	if t.wish.App == "" {
		return problem(UnknownHost, "no app is served under this host")
	}
	if limit := t.app.Options.BodyLimit; limit > 0 && t.in.body != nil {
		t.in.body.Keep(limit)
	}
	if port, err := strconv.ParseUint(t.in.port, 10, 16); err == nil {
		t.wish.Port = uint16(port)
	}
	asked, err := replay.ParsePlacement(t.in.header)
	if err != nil {
		return problem(BadRequest, err.Error())
	}
	t.wish.Asked = asked
	return nil
}

// attempt returns the body from its beginning; nil without one.
func (t *trip) attempt() (*forward.Attempt, error) {
	if t.in.body == nil {
		return nil, nil
	}
	return t.in.body.Attempt()
}

// ask sends the request to one machine, and writes the hop into the record.
func (t *trip) ask(m fleet.Machine, body *forward.Attempt, x passage) (*forward.Response, error) {
	hop := journey.Hop{
		Machine: m.ID, Region: m.Region, Way: t.fleet.RoundTrip(t.edge.cfg.Region, m.Region),
		Start: time.Since(t.rec.Start),
	}
	t.idle.begin(x.connect)
	answer, err := t.exchange(m, body, x)
	hop.Took = time.Since(t.rec.Start) - hop.Start
	if err != nil {
		t.idle.rest() // what comes next may be a wait for another machine
		hop.Problem = err.Error()
	} else {
		hop.Status, hop.Connect = answer.Status, answer.Connect
		hop.Replayed = asksForReplay(answer.Header)
		// What a machine says of its decision is for the record alone: one that
		// cannot be read is as good as none.
		hop.Decision, _ = decision.Parse(answer.Header.Get(replay.DecisionHeader))
		t.hear(m, answer)
	}
	t.rec.Hops = append(t.rec.Hops, hop)
	return answer, err
}

func (t *trip) exchange(m fleet.Machine, body *forward.Attempt, x passage) (*forward.Response, error) {
	t.http2 = t.speaksHTTP2(m)
	req := &forward.Request{
		Method: t.in.method, Target: t.target, Host: t.in.host, Header: t.hopHeader(), HTTP2: t.http2,
		Body: body, Length: t.in.length, Announce: t.in.holdsBack(), Once: t.runsOnce() || t.replays > 0, Fresh: x.fresh,
		ConnectTimeout: x.connect, Moved: t.in.motion.note,
		Early: func(status int, header http.Header) { t.out.early(status, t.earlyHeader(header)) },
	}
	return t.edge.pool.Do(t.ctx, m.Addr, req)
}
