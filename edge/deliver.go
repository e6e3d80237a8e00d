package edge

import (
	"io"
	"sync"

	"homing/forward"
	"homing/journey"
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// deliver streams a machine's answer to the client. A part of unknown whole
// length goes out as soon as it has come, so that events are not held up.
func (t *trip) deliver(answer *forward.Response) *Problem {
	defer answer.Body.Close()
	header := t.answerHeader(answer.Header)
	if err := t.out.begin(answer.Status, header, answer.Length); err != nil {
		return problem(PU02, "the machine's answer cannot be passed on")
	}
	t.rec.Status = answer.Status
	if answer.Status < 300 && answer.Length != 0 {
		answer.SendBody() // there is no replay that could need it
	}
	gone, err := t.stream(answer)
	last := &t.rec.Hops[len(t.rec.Hops)-1]
	last.Took = t.elapsed() - last.Start
	if err == nil {
		t.out.end(appendOutward(nil, answer.Trailer))
		return nil
	}
	t.cut = true
	if t.idle.ended() {
		t.idledMidway(gone)
		return nil
	}
	if gone || t.in.ctx.Err() != nil {
		t.rec.Problem = "the client went away before the answer ended"
		return nil
	}
	last.Problem = err.Error()
	t.rec.Code = PU02.String()
	t.rec.Problem = "the machine's answer broke off"
	return nil
}

// stream copies the answer's body until its end. gone says that an error is the
// client's, who takes no more.
func (t *trip) stream(answer *forward.Response) (gone bool, err error) {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := answer.Body.Read(*buf)
		if n > 0 {
			if werr := t.out.write((*buf)[:n], answer.Length < 0); werr != nil {
				return true, werr
			}
			t.in.motion.note()
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// fail answers with a problem, unless the client has gone.
func (t *trip) fail(p *Problem) {
	if t.in.ctx.Err() != nil {
		t.cut = true
		t.rec.Problem = "the client went away before there was an answer"
		return
	}
	if t.idle.ended() {
		p = t.idled()
	}
	t.rec.Code, t.rec.Problem, t.rec.Status = p.Code.String(), p.Detail, p.status()
	header, body := p.answer(t.in.header, t.rec.ID)
	t.dress(&header)
	_ = t.out.begin(p.status(), header, int64(len(body))) // a head of ours can be written
	if t.in.method != "HEAD" {
		_ = t.out.write(body, false) // a client that has gone needs no answer
	}
}

// finish has the record logged, and hands it on.
func (e *Edge) finish(rec *journey.Record) {
	e.logbook.note(rec)
	e.cfg.Record(rec)
}
