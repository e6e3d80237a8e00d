package forward

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// ErrNotKept: the body is needed again and was not kept.
var ErrNotKept = errors.New("the request's body is larger than what is kept for a replay")

// ErrBroken: the client's body could not be read to its end. No machine is at
// fault, and none may be asked again.
var ErrBroken = errors.New("the request's body broke off")

var (
	errAttemptOver = errors.New("this attempt has ended")
	errTooLong     = errors.New("it is longer than was announced")
)

// Body is a request's body, read from the client once and kept, up to a limit,
// so that a replay can send it again. Attempts read it one after another; an
// older one may still be inside a read of the client when the next begins.
type Body struct {
	client    io.Reader
	interrupt func() // makes a pending read of client return
	length    int64  // announced; -1: unknown
	budget    *Budget

	// pull is held while the client is read, mu while the fields below are
	// looked at. pull is taken first.
	pull  sync.Mutex
	mu    sync.Mutex
	limit int64
	kept  kept
	lost  bool    // something that was read is not in kept
	sent  bool    // an attempt has begun to read
	size  int64   // bytes read so far
	err   error   // how reading the client ended: io.EOF, ErrBroken or errAttemptOver
	first Attempt // room for it; later ones have their own

	lent atomic.Int32 // goroutines that may still read attempts
}

// Buffered is what a client of [NewBody] may be: it knows how many bytes can be read
// without waiting.
type Buffered interface{ Buffered() int }

// NewBody returns a body that reads client and keeps at most limit bytes, within
// the budget. length is the announced one, -1 if unknown: a body that is known
// to be too large is not kept at all. interrupt must make a pending read of the
// client return; it is called by [Body.Close].
func NewBody(client io.Reader, length, limit int64, budget *Budget, interrupt func()) *Body {
	b := new(Body)
	b.Begin(client, length, limit, budget, interrupt)
	return b
}

// Begin makes b what [NewBody] would return, with the memory that it has. It must be
// new, or closed and free.
func (b *Body) Begin(client io.Reader, length, limit int64, budget *Budget, interrupt func()) {
	*b = Body{client: client, interrupt: interrupt, length: length, budget: budget, kept: b.kept}
	b.Keep(limit)
}

// Free reports whether no exchange can be reading b behind its caller's back. One that
// sends none of it, or all of it together with the head, never does; others do until they
// have sent its end or given up; one in HTTP/2 may do for ever. Where b is free, nobody
// looks at a [Request] with an attempt of b either, once its answer is closed.
func (b *Body) Free() bool { return b.lent.Load() == 0 }

// Keep changes how many bytes are kept at most. It counts until an attempt begins
// to read.
func (b *Body) Keep(limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.sent {
		b.limit, b.lost = limit, b.length > limit
		b.kept.begin(b.budget, b.length, limit)
	}
}

// Unread reports whether nobody has begun to read the client.
func (b *Body) Unread() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.sent
}

// Fits reports whether all of the body will be kept, as far as that is known now:
// it is within the limit, and the budget has room for it. One of unknown length
// fits until it turns out not to.
func (b *Body) Fits() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.lost && b.kept.takes(max(b.length, 0))
}

// Attempt returns a reader from the body's beginning, or [ErrNotKept].
func (b *Body) Attempt() (*Attempt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost && b.sent {
		return nil, ErrNotKept
	}
	a := &b.first
	if a.body != nil {
		a = new(Attempt)
	}
	a.body = b
	return a, nil
}

// Whole reports whether the client has sent all of the body.
func (b *Body) Whole() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err == io.EOF
}

// Close frees what was kept and waits until nobody reads the client any more.
func (b *Body) Close() {
	if !b.pull.TryLock() {
		b.interrupt()
		b.pull.Lock()
	}
	defer b.pull.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget()
	if b.err == nil {
		b.err = errAttemptOver
	}
}

// forget frees what was kept; mu is held.
func (b *Body) forget() {
	b.kept.free()
	b.lost = true
}

// fetch reads the client into p, unless another attempt got further meanwhile.
func (b *Body) fetch(p []byte, from int64) (int, error) {
	b.pull.Lock()
	defer b.pull.Unlock()
	b.mu.Lock()
	ahead, err := b.size > from, b.err
	b.sent = true
	b.mu.Unlock()
	if ahead {
		return 0, nil // what was read meanwhile was kept: the end may be behind it
	}
	if err != nil {
		return 0, err
	}
	n, err := b.client.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.keep(p[:n])
	b.err = b.checked(err)
	return n, b.err
}

// checked holds the client to the length it announced, once a read has ended
// with err: a body that stops short must not pass for a whole one, and what
// comes beyond its end would be taken for the next request.
func (b *Body) checked(err error) error {
	switch {
	case b.length >= 0 && b.size > b.length:
		err = errTooLong
	case b.length >= 0 && b.size < b.length && err == io.EOF:
		err = io.ErrUnexpectedEOF
	case b.length >= 0 && b.size == b.length && err == nil:
		err = io.EOF // known without another read
	}
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}

// keep remembers p, or stops keeping anything if that would be too much.
func (b *Body) keep(p []byte) {
	b.size += int64(len(p))
	if b.lost {
		return
	}
	if b.size > b.limit || !b.kept.add(p) {
		b.forget()
	}
}

// Attempt reads a [Body] from its beginning, for one exchange. A nil *Attempt is
// no body.
type Attempt struct {
	body *Body
	at   int64
	over atomic.Bool
	bad  atomic.Pointer[error] // why it cannot be read to its end
}

// Read returns what was kept first, and then what the client sends.
func (a *Attempt) Read(p []byte) (int, error) {
	n, err := a.next(p)
	if errors.Is(err, ErrBroken) || errors.Is(err, ErrNotKept) {
		bad := err // a copy, or every read would have an error of its own
		a.bad.Store(&bad)
		return 0, err
	}
	return n, err
}

func (a *Attempt) next(p []byte) (int, error) {
	for {
		n, err := a.again(p)
		if n > 0 || err != nil {
			return n, err
		}
		n, err = a.body.fetch(p, a.at)
		if a.over.Load() {
			return 0, errAttemptOver // what came is kept for the next attempt
		}
		a.at += int64(n)
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// again returns what was read before; 0 and no error means that the client has
// to be read.
func (a *Attempt) again(p []byte) (int, error) {
	b := a.body
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case a.over.Load():
		return 0, errAttemptOver
	case a.at < b.kept.size:
		n := b.kept.copyTo(p, a.at)
		a.at += int64(n)
		return n, nil
	case a.at < b.size:
		return 0, ErrNotKept
	}
	return 0, b.err
}

// lend says that a goroutine begins that reads the attempt.
func (a *Attempt) lend() {
	if a != nil {
		a.body.lent.Add(1)
	}
}

// giveBack says that it looks at nothing of the request any more.
func (a *Attempt) giveBack() { a.body.lent.Add(-1) }

// end makes later reads fail: the exchange is over.
func (a *Attempt) end() {
	if a != nil {
		a.over.Store(true)
	}
}

// smallBody is what a connection takes at once, whatever the machine does.
const smallBody = 8 << 10

// isAtHand reports whether the body is small, and can be read to its end without waiting
// for the client: it was kept, or lies in the client's buffer.
func (a *Attempt) isAtHand() bool {
	b := a.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.length <= 0 || b.length > smallBody || b.err != nil && b.err != io.EOF {
		return false
	}
	if b.size == b.length {
		return b.kept.size == b.length
	}
	r, ok := b.client.(Buffered)
	return ok && !b.sent && int64(r.Buffered()) >= b.length // an older attempt may be reading
}

// appendTo appends the whole body to p.
func (a *Attempt) appendTo(p []byte) ([]byte, error) {
	at := len(p)
	p = slices.Grow(p, int(a.body.length))[:at+int(a.body.length)]
	_, err := io.ReadFull(a, p[at:])
	return p, err
}

// failure returns why the body could not be read to its end, or nil: that is
// ErrBroken, or ErrNotKept if an older attempt took what this one needed.
func (a *Attempt) failure() error {
	if a == nil || a.bad.Load() == nil {
		return nil
	}
	return *a.bad.Load()
}
