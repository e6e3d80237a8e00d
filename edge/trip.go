package edge

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"homing/decision"
	"homing/fleet"
	"homing/forward"
	"homing/journey"
	"homing/replay"
	"homing/route"
)

// trip is one request on its way through the fleet.
type trip struct {
	edge   *Edge
	in     *inbound
	out    sink
	rec    *journey.Record
	fleet  *fleet.Snapshot
	wish   route.Wish
	target string      // for the next machine, as in the request line
	header http.Header // likewise

	replays int
	cut     bool // the answer broke off in the middle
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
	t.wish.From, t.wish.App = e.cfg.Region, e.cfg.App
	if p := t.run(); p != nil {
		t.fail(p)
	}
	t.rec.Duration = time.Since(t.rec.Start)
	e.finish(t.rec)
	return t.cut
}

func (t *trip) run() *Problem {
	if t.in.method == http.MethodConnect {
		return problem(BadRequest, "CONNECT is not served here")
	}
	t.target, t.header = t.in.target, t.edge.requestHeader(t.in, t.rec.ID)
	for {
		m, answer, err := t.hop()
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
			t.deliver(answer)
			return nil
		}
		if p := t.turn(m, answer); p != nil {
			return p
		}
	}
}

// hop asks machines until one answers. It goes on to another only when that
// cannot run the request twice.
func (t *trip) hop() (fleet.Machine, *forward.Response, error) {
	t.wish.Tried = nil
	var last error
	fresh := false // after a kept connection failed
	for {
		m, err := route.Choose(t.fleet, t.wish)
		if err != nil {
			return m, nil, noneLeft(err, last, len(t.wish.Tried))
		}
		body, err := t.attempt()
		if err != nil {
			return m, nil, cmp.Or(last, err) // without a replay the first failure says more
		}
		t.tellPreferred(m)
		answer, err := t.ask(m, body, fresh)
		if err == nil {
			return m, answer, nil
		}
		var fail *forward.Error
		if !errors.As(err, &fail) || t.in.ctx.Err() != nil || !t.mayGoOn(fail) {
			return m, nil, err
		}
		last = err
		if fresh = fail.Reused; !fresh { // else only the kept connection was at fault
			t.wish.Tried = append(t.wish.Tried, m.ID)
		}
	}
}

// noneLeft is the error of a hop that ran out of machines. Where only one was
// there to be tried, what went wrong with it says more.
func noneLeft(err, last error, tried int) error {
	if tried == 1 {
		return last
	}
	if last != nil {
		return fmt.Errorf("%w; the last of %d tried: %w", err, tried, last)
	}
	return err
}

// attempt returns the body from its beginning; nil without one.
func (t *trip) attempt() (*forward.Attempt, error) {
	if t.in.body == nil {
		return nil, nil
	}
	return t.in.body.Attempt()
}

// mayGoOn reports whether the request may be sent once more: nothing of it was
// written, or it is safe to repeat, was not replayed, and nothing was answered.
func (t *trip) mayGoOn(fail *forward.Error) bool {
	if errors.Is(fail, forward.ErrBroken) || errors.Is(fail, forward.ErrNotKept) {
		return false // the body is at fault, and would be everywhere
	}
	if !fail.Sent {
		return true
	}
	return !fail.Answered && t.replays == 0 && !runsOnce(t.in.method)
}

// runsOnce reports whether a method must not be repeated by us. PUT and DELETE
// are idempotent by name only: an app may well count them.
func runsOnce(method string) bool {
	return !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace}, method)
}

// ask sends the request to one machine, and writes the hop into the record.
func (t *trip) ask(m fleet.Machine, body *forward.Attempt, fresh bool) (*forward.Response, error) {
	hop := journey.Hop{
		Machine: m.ID, Region: m.Region, Way: t.fleet.RoundTrip(t.edge.cfg.Region, m.Region),
		Start: time.Since(t.rec.Start),
	}
	answer, err := t.exchange(m, body, fresh)
	hop.Took = time.Since(t.rec.Start) - hop.Start
	if err != nil {
		hop.Problem = err.Error()
	} else {
		hop.Status, hop.Connect = answer.Status, answer.Connect
		hop.Replayed = asksForReplay(answer.Header)
		// What a machine says of its decision is for the record alone: one that
		// cannot be read is as good as none.
		hop.Decision, _ = decision.Parse(answer.Header.Get(replay.DecisionHeader))
	}
	t.rec.Hops = append(t.rec.Hops, hop)
	return answer, err
}

func (t *trip) exchange(m fleet.Machine, body *forward.Attempt, fresh bool) (*forward.Response, error) {
	req := &forward.Request{
		Method: t.in.method, Target: t.target, Host: t.in.host, Header: t.header,
		Body: body, Length: t.in.length, Once: runsOnce(t.in.method) || t.replays > 0, Fresh: fresh,
		ConnectTimeout: t.wish.Replay.Timeout,
		Early:          func(status int, header http.Header) { t.out.early(status, t.edge.answerHeader(header, t.rec.ID)) },
	}
	return t.edge.pool.Do(t.in.ctx, m.Addr, req)
}

// tellPreferred tells a machine that it stands in for a preferred one.
func (t *trip) tellPreferred(m fleet.Machine) {
	t.header.Del(replay.PreferredGoneHeader)
	if id := t.wish.Replay.PreferInstance; id != "" && id != m.ID {
		t.header.Set(replay.PreferredGoneHeader, string(id))
	}
}
