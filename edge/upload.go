package edge

import (
	"errors"
	"io"
	"os"

	"homing/forward"
	"homing/wire"
)

// upload is a request's body on its way from a client's connection. It serves another
// request when nobody can be sending it any more, see [forward.Body.Free].
type upload struct {
	body    forward.Body
	reading bodyReading
	moving  bodyMotion
	stop    func() // ends a read of the connection
}

func newUpload() *upload {
	u := new(upload)
	u.stop = func() { u.reading.client.interrupt() }
	return u
}

// begin makes this the upload of a client's request.
func (u *upload) begin(c *client, req *wire.Request, m *motion, out *wireSink) *forward.Body {
	u.reading = bodyReading{client: c}
	u.moving = bodyMotion{client: &u.reading, motion: m}
	if req.Expect {
		u.moving.client = &forward.FirstRead{Reader: &u.reading, Before: out.goOn}
	}
	edge := c.server.edge
	u.body.Begin(&u.moving, req.Length, edge.cfg.BodyLimit, edge.budget, u.stop)
	return &u.body
}

// bodyReading reads a request's body for [forward.Body], which reads in one
// goroutine at a time.
type bodyReading struct {
	client *client
	done   bool
}

// Buffered returns how much can be read without waiting.
func (b *bodyReading) Buffered() int { return b.client.reader.Body().Buffered() }

func (b *bodyReading) Read(p []byte) (int, error) {
	if b.done {
		return 0, io.EOF // the watch reads now
	}
	body := b.client.reader.Body()
	n, err := body.Read(p)
	if body.Done() {
		b.done = true
		b.client.watch.begin()
		return n, io.EOF
	}
	var malformed *wire.Error
	if err != nil && !errors.As(err, &malformed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		b.client.life.End(nil)
	}
	return n, err
}
