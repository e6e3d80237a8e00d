package edge

import (
	"context"
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

// trip is one request on its way through the fleet. What it is made of is used again
// for another request where nobody can have kept any of it, see [trip.begin].
type trip struct {
	course
	edge *Edge
	life forward.Leash // ends with the client, or when nothing moves
	idle idleWatch
	hop  hop

	// Memory that one request leaves to the next.
	names    names
	record   journey.Record
	request  forward.Request
	sending  *forward.Request // that has a body; nil: none had yet
	response forward.Response
	take     func(*fleet.Snapshot) (fleet.Slot, error)
	early    func(int, wire.Header)
	header   wire.Header // for the next machine
	answer   wire.Header // for the client
}

// course is what a trip knows of its request, and how that has gone so far.
type course struct {
	in          *inbound
	out         sink
	rec         *journey.Record
	fleet       *fleet.Snapshot
	app         *fleet.App // that the client addressed, whose options count
	wish        route.Wish
	target      string // for the next machine, as in the request line
	traceparent string // for a client that brings none
	cache       caching

	slot     fleet.Slot    // of the machine that has the request now
	said     replay.Fields // by its answer, about a replay
	replays  int
	homeward bool  // the last replay was for the primary, wherever that is
	cameBack bool  // so was the one before, which found none
	fellBack bool  // the last replay failed, and this hop is its fallback
	http2    bool  // how the machine that has the request is spoken to
	streamed bool  // one was spoken to in HTTP/2, whose goroutines may still look at this
	cut      bool  // the answer broke off in the middle
	pipe     *pipe // what the connections are now; nil: the answer is over
}

func newTrip(e *Edge) *trip {
	t := &trip{edge: e}
	t.hop.trip, t.take, t.early = t, t.choose, t.passEarly
	t.idle.stop = t.stopIdling
	return t
}

// begin makes this the trip of a request that began then. The last one's must be over, and
// nothing may still look at it: no sender of a body, see [visit.leave], and no stream of
// HTTP/2. Neither may its context have ended.
func (t *trip) begin(in *inbound, out sink, now time.Time) {
	// As literals these would be made on the stack, and it would grow: see docs/decisions.md.
	t.course = course{}
	t.in, t.out, t.rec, t.fleet, t.app = in, out, &t.record, t.edge.cfg.Fleet.Snapshot(), &noApp
	t.idle.motion = in.motion
	hops := t.record.Hops[:0]
	t.record = journey.Record{}
	r := t.rec
	r.Edge, r.Start, r.Method, r.Host, r.Path, r.Hops = t.edge.cfg.Region, now, in.method, in.host, in.path, hops
	r.ID, t.traceparent = t.names.next(t.edge.cfg.Region, now)
}

// noApp has the usual options, as long as nobody knows which app is meant.
var noApp fleet.App

// serve brings the request to a machine, and on to others as long as they ask
// for it, and answers the client. It reports whether the client's connection
// must be cut because an answer broke off. Where the connection became a pipe,
// [trip.carry] must be called.
func (t *trip) serve() (cut bool) {
	if p := t.run(); p != nil {
		t.fail(p)
	}
	if t.pipe == nil {
		t.finish()
	}
	return t.cut
}

// finish is done with the request.
func (t *trip) finish() {
	t.idle.rest()
	t.slot.Release()
	t.rec.Duration = t.elapsed()
	t.edge.finish(t.rec)
}

// elapsed is how long the trip has taken so far.
func (t *trip) elapsed() time.Duration { return time.Since(t.rec.Start) }

func (t *trip) run() *Problem {
	if t.in.method == http.MethodConnect {
		return problem(BadRequest, "CONNECT is not served here")
	}
	if fault := t.in.fault; fault != nil {
		return &Problem{Code: BadRequest, Status: fault.Status, Detail: fault.Reason}
	}
	if p := t.aim(); p != nil {
		return p
	}
	if t.wantsHTTPS() {
		return t.toHTTPS()
	}
	t.limitIdling()
	t.target = t.in.target
	t.dressRequest()
	t.recall()
	for {
		answer, err := t.bring()
		if err != nil {
			p := problemOf(err)
			if p.Code == PA04 && t.replays == 0 {
				p.Code = PR01 // no replay named the app: its machines are just not there yet
			}
			return p
		}
		if !t.asked() {
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
		app, ok = t.fleet.App(t.edge.cfg.App)
	}
	if !ok {
		app = &fleet.App{Name: t.edge.cfg.App} // one that is not there yet has the usual options
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
	if !hasPlacement(t.in.header) {
		return nil
	}
	asked, err := replay.ParsePlacement(forward.HTTPHeader(t.in.header))
	if err != nil {
		return problem(BadRequest, err.Error())
	}
	t.wish.Asked = asked
	return nil
}

var placements = wire.NewNames(replay.PreferRegionHeader, replay.ForceRegionHeader, replay.PreferInstanceHeader, replay.ForceInstanceHeader)

// hasPlacement reports whether a client asks to be served anywhere.
func hasPlacement(h wire.Header) bool {
	for i := range h {
		if placements.Has(h[i].Name) {
			return true
		}
	}
	return false
}

// attempt returns the body from its beginning; nil without one.
func (t *trip) attempt() (*forward.Attempt, error) {
	if t.in.body == nil {
		return nil, nil
	}
	return t.in.body.Attempt()
}

// ask sends the request to one machine, and writes the hop into the record.
func (t *trip) ask(m *fleet.Machine, body *forward.Attempt, x passage, now time.Duration) (*forward.Response, error) {
	hop := t.newHop(m, now)
	t.idle.begin(t.idleLimit(), x.connect)
	answer, err := t.exchange(m, body, x)
	hop.Took = t.elapsed() - hop.Start
	if err != nil {
		t.idle.rest() // what comes next may be a wait for another machine
		hop.Problem = err.Error()
		return nil, err
	}
	t.note(hop, answer)
	t.hear(m, answer)
	return answer, nil
}

// note writes into a hop what its machine has answered. What that says of its decision
// is for the record alone: one that cannot be read is as good as none.
func (t *trip) note(hop *journey.Hop, answer *forward.Response) {
	hop.Status, hop.Connect = answer.Status, answer.Connect
	t.said = heard(answer.Header)
	hop.Replayed = t.asked()
	if said := answer.Header.Get(replay.DecisionHeader); said != "" {
		hop.Decision, _ = decision.Parse(said)
	}
}

// newHop adds a hop that begins now to the record.
func (t *trip) newHop(m *fleet.Machine, now time.Duration) *journey.Hop {
	way := t.fleet.RoundTrip(t.edge.cfg.Region, m.Region)
	t.rec.Hops = append(t.rec.Hops, journey.Hop{Machine: m.ID, Region: m.Region, Way: way, Start: now})
	return &t.rec.Hops[len(t.rec.Hops)-1]
}

func (t *trip) exchange(m *fleet.Machine, body *forward.Attempt, x passage) (*forward.Response, error) {
	t.http2 = t.speaksHTTP2(m)
	t.streamed = t.streamed || t.http2
	req := &t.request
	if body != nil || t.http2 {
		req = t.apart()
	}
	*req = forward.Request{}
	req.Method, req.Target, req.Host, req.Header, req.HTTP2 = t.in.method, t.target, t.in.host, t.hopHeader(), t.http2
	req.Body, req.Length, req.Announce = body, t.in.length, t.in.holdsBack()
	req.Once, req.Fresh, req.ConnectTimeout = t.runsOnce() || t.replays > 0, x.fresh, x.connect
	req.Moved, req.Early, req.Answer = t.in.moved, t.early, &t.response
	return t.edge.pool.Do(&t.life, m.Addr, req)
}

// apart returns a request that nobody looks at: who still sends an earlier attempt may
// look at that one's.
func (t *trip) apart() *forward.Request {
	if t.sending == nil || t.streamed || !t.in.body.Free() {
		t.sending = new(forward.Request)
	}
	return t.sending
}

// passEarly passes a 1xx answer on.
func (t *trip) passEarly(status int, header wire.Header) {
	t.out.early(status, t.appendEarly(nil, header))
}

// follows ends the trip with a context that is not ours. The function that it returns
// lets go of that.
func (t *trip) follows(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() { t.life.End(context.Cause(ctx)) })
}
