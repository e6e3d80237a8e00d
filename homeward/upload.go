package homeward

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"homing/forward"
)

// Upload is a request's body that can be sent home after the app has read it, in so
// far as it was kept meanwhile.
type Upload struct {
	out     *forward.Answer
	body    *forward.Body
	first   *forward.FirstRead
	client  *client
	expects bool // the client holds it back until it is asked
}

// Keep returns the body of r, to be kept while the app reads [Upload.Reader]; nil if
// there is none. It must be closed. A body of up to [Config.BodyLimit] is kept, as far
// as the budget goes; what the app reads is the same either way.
func (w *Way) Keep(rw http.ResponseWriter, r *http.Request) *Upload {
	return w.upload(rw, r, w.cfg.BodyLimit)
}

func (w *Way) upload(rw http.ResponseWriter, r *http.Request, limit int64) *Upload {
	if r.Body == nil || r.ContentLength == 0 {
		return nil
	}
	u := &Upload{out: forward.NewAnswer(rw, r), client: &client{body: r.Body}, expects: forward.Expects(r)}
	u.first = &forward.FirstRead{Reader: u.client}
	u.body = forward.NewBody(u.first, r.ContentLength, limit, w.budget, u.out.EndRead)
	return u
}

// begin is called when the body is about to be sent.
func (u *Upload) begin() {
	u.expects = u.expects && u.body.Unread()
	if u.expects {
		u.first.Before = u.out.GoOn
	}
	u.out.Takes(u.body)
}

// Close gives back what was kept.
func (u *Upload) Close() { u.body.Close() }

// Reader returns the body for the app. Like net/http's own it can be closed, which
// leaves what is kept alone.
func (u *Upload) Reader() io.ReadCloser {
	attempt, _ := u.body.Attempt() // nobody has read it yet
	return &appBody{upload: u, attempt: attempt}
}

// client remembers how reading a client's body ended.
type client struct {
	body io.Reader
	err  error
}

func (c *client) Read(p []byte) (int, error) {
	n, err := c.body.Read(p)
	if err != nil {
		c.err = err
	}
	return n, err
}

// appBody is a body as an app reads it.
type appBody struct {
	upload *Upload
	closed atomic.Bool

	mu      sync.Mutex // as on net/http's bodies, which several may read
	attempt *forward.Attempt
}

func (b *appBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, http.ErrBodyReadAfterClose
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.attempt.Read(p)
	if errors.Is(err, forward.ErrBroken) && b.upload.client.err != nil {
		err = b.upload.client.err // what the app would have got without us
	}
	return n, err
}

func (b *appBody) Close() error {
	b.closed.Store(true)
	return nil
}
