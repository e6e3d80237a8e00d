package forward

import (
	"context"
	"io"
	"sync"
	"time"
)

// Leash is a context that ends one thing at a time: the connection of an exchange, or
// another Leash. To hang that on it costs nothing, where [context.AfterFunc] makes
// something new for each request. The zero value has not ended. Safe for concurrent use;
// it must not be copied.
type Leash struct {
	mu   sync.Mutex
	err  error
	done chan struct{} // made when somebody asks for it
	tied io.Closer     // nil: nothing
}

var _ context.Context = (*Leash)(nil)

// End ends the context, and closes what is tied to it. The cause, [context.Canceled] if
// that is nil, is what Err and [context.Cause] return. Only the first call counts.
func (l *Leash) End(cause error) {
	if cause == nil {
		cause = context.Canceled
	}
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return
	}
	l.err = cause
	tied := l.tied
	l.tied = nil
	if l.done != nil {
		close(l.done)
	}
	l.mu.Unlock()
	if tied != nil {
		tied.Close()
	}
}

// Close is End with [context.Canceled], so that a Leash can be tied to another.
func (l *Leash) Close() error {
	l.End(nil)
	return nil
}

// Tie has c closed when the context ends, or at once if it has. What was tied before
// no longer is.
func (l *Leash) Tie(c io.Closer) {
	l.mu.Lock()
	if l.err == nil {
		l.tied, c = c, nil
	}
	l.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// Untie lets go what is tied. It returns false if the context has ended: then that is
// closed, or about to be.
func (l *Leash) Untie() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tied = nil
	return l.err == nil
}

// Done returns a channel that is closed when the context ends.
func (l *Leash) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.err != nil {
			close(l.done)
		}
	}
	return l.done
}

// Err returns nil, or why the context has ended.
func (l *Leash) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Deadline reports that there is none.
func (l *Leash) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value returns nil: a Leash has none.
func (l *Leash) Value(any) any { return nil }
