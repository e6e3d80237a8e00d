package edge

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"homing/forward"
)

// motion knows when a byte last moved between a client and a machine, in either
// direction. Safe for concurrent use.
type motion struct {
	since time.Time    // what at counts from
	at    atomic.Int64 // nanoseconds
	owed  atomic.Bool  // the next byte of the client's body is waited for
}

// note is called for each byte that moves, or for some of them together.
func (m *motion) note() { m.at.Store(int64(time.Since(m.since))) }

// expect makes what comes within d count as moving at once.
func (m *motion) expect(d time.Duration) { m.at.Store(int64(time.Since(m.since) + d)) }

func (m *motion) still() time.Duration { return time.Since(m.since) - time.Duration(m.at.Load()) }

// body notes what is read of a client's body.
func (m *motion) body(r io.Reader) io.Reader { return bodyMotion{r, m} }

type bodyMotion struct {
	client io.Reader
	motion *motion
}

func (b bodyMotion) Read(p []byte) (int, error) {
	b.motion.owed.Store(true)
	n, err := b.client.Read(p)
	b.motion.owed.Store(false)
	b.motion.note()
	return n, err
}

// Buffered returns how much of the body can be read without waiting, where that is known.
func (b bodyMotion) Buffered() int {
	if r, ok := b.client.(forward.Buffered); ok {
		return r.Buffered()
	}
	return 0
}

// end notes what goes through one end of a tunnel.
func (m *motion) end(of forward.End) forward.End { return endMotion{of, m} }

type endMotion struct {
	forward.End
	motion *motion
}

func (e endMotion) Read(p []byte) (int, error) {
	n, err := e.End.Read(p)
	e.motion.note()
	return n, err
}

func (e endMotion) Write(p []byte) (int, error) {
	n, err := e.End.Write(p)
	e.motion.note()
	return n, err
}

// idleWatch ends an exchange or a tunnel in which nothing has moved for the limit.
// What moves costs it nothing but a note: its timer looks only when the limit could
// have passed, and one that looks in vain serves the next exchange.
type idleWatch struct {
	motion *motion
	stop   func() // called once, with mu held

	mu      sync.Mutex
	limit   time.Duration
	timer   *time.Timer
	due     time.Duration // what the timer was last set to; 0: it does not run
	resting bool
	over    bool
}

// begin watches from now on. Whatever happens in the first grace has bounds of its
// own.
func (w *idleWatch) begin(limit, grace time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.motion.expect(grace)
	w.limit, w.resting = limit, false
	if w.due == 0 || w.due > limit {
		w.set(limit)
	}
}

// set has the timer look in d; mu is held.
func (w *idleWatch) set(d time.Duration) {
	w.due = d
	if w.timer == nil {
		w.timer = time.AfterFunc(d, w.look)
		return
	}
	w.timer.Reset(d)
}

// rest watches no more, until it begins again: stop is not called any more, and has
// returned if it was.
func (w *idleWatch) rest() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting = true
}

// end rests for good.
func (w *idleWatch) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.resting = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *idleWatch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.due = 0
	if w.resting || w.over {
		return
	}
	if left := w.limit - w.motion.still(); left > 0 {
		w.set(min(left, w.limit)) // a grace may end sooner
		return
	}
	w.over = true
	w.stop()
}

// ended reports whether the limit has passed.
func (w *idleWatch) ended() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// idleError is an exchange in which nothing moved for so long.
type idleError time.Duration

func (e idleError) Error() string {
	return fmt.Sprintf("no byte moved for %v (idle_timeout)", time.Duration(e))
}

// limitIdling prepares to end the request as the app's options say.
func (t *trip) limitIdling() {
	if t.app.Options.IdleTimeout > 0 {
		t.out.patience(2 * t.idleLimit()) // the watch comes first, and knows what to say
	}
}

func (t *trip) idleLimit() time.Duration { return t.app.Options.Idle() }

func (t *trip) stopIdling() {
	t.life.End(idleError(t.idle.limit)) // it is called with the watch's lock
	t.out.interrupt()
}

// idled returns what the client is told when nothing has moved before there was an
// answer.
func (t *trip) idled() *Problem {
	if t.in.motion.owed.Load() {
		return &Problem{Code: BadRequest, Status: http.StatusRequestTimeout, Detail: fmt.Sprintf(
			"the client stalled in the middle of the request's body: nothing of it came for %v (idle_timeout)", t.idleLimit())}
	}
	return &Problem{Code: PU02, Status: http.StatusGatewayTimeout, Detail: idleError(t.idleLimit()).Error() +
		", and the machine did not answer; the request may have been carried out, and was not sent again"}
}

// idledMidway notes that an answer is cut because nothing of it moved. taking says
// that it was the client who took nothing.
func (t *trip) idledMidway(taking bool) {
	if taking {
		t.rec.Problem = fmt.Sprintf("the client took nothing of the answer for %v (idle_timeout)", t.idleLimit())
		return
	}
	t.rec.Code, t.rec.Problem = PU02.String(), "the answer stopped: "+idleError(t.idleLimit()).Error()
}
