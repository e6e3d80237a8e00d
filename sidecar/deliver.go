package sidecar

import (
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"homing/forward"
	"homing/replay"
	"homing/wire"
)

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// deliver streams the app's answer to the client.
func (t *trip) deliver(answer *forward.Response) {
	defer answer.Body.Close()
	t.listen(answer.Header)
	header := outward(answer.Header)
	if answer.Length >= 0 && answer.Status != http.StatusNoContent && answer.Status != http.StatusNotModified {
		header.Set("Content-Length", strconv.FormatInt(answer.Length, 10))
	}
	o := &outlet{out: t.out, witness: func() { t.witness(answer.Status) }}
	o.begin(answer, header, t.quiet(answer))
	if answer.Status < 300 && answer.Length != 0 {
		answer.SendBody() // the app cannot ask for it any more
	}
	err := o.copy(answer.Body)
	o.end()
	if err != nil {
		panic(http.ErrAbortHandler) // half an answer must not look like a whole one
	}
	t.out.End(outward(answer.Trailer))
}

// quiet returns for how long an answer may be held: for ever if its length is known,
// which is -1, and not at all if somebody waits for what comes first.
func (t *trip) quiet(answer *forward.Response) time.Duration {
	switch {
	case answer.Length >= 0:
		return -1
	case t.trail == nil, strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream"):
		return 0
	}
	return max(t.app.cfg.Quiet, 0)
}

// outlet is where an answer leaves. Its flushes may come from a timer.
type outlet struct {
	out     *forward.Answer
	witness func() // called before anything may leave

	mu    sync.Mutex
	live  bool // whatever comes leaves at once
	timer *time.Timer
}

func (o *outlet) begin(answer *forward.Response, header http.Header, quiet time.Duration) {
	o.witness()
	o.out.Begin(answer.Status, header, 0) // it is flushed below
	switch {
	case quiet == 0:
		o.goLive()
	case quiet > 0:
		o.timer = time.AfterFunc(quiet, o.goLive)
	}
}

// goLive lets go what is held, and what comes from now on.
func (o *outlet) goLive() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.live {
		o.live = true
		o.witness()
		o.out.Flush()
	}
}

// copy passes a body on until its end.
func (o *outlet) copy(body io.Reader) error {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	for {
		n, err := body.Read(*buf)
		if n > 0 {
			if err := o.write((*buf)[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (o *outlet) write(p []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.witness()
	_, err := o.out.Write(p)
	if err == nil && o.live {
		o.out.Flush()
	}
	return err
}

// end waits for a flush that is under way; there is none after it.
func (o *outlet) end() {
	if o.timer != nil {
		o.timer.Stop()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.live = true
	o.witness()
}

// tunnel carries an answer of 101 to the client, and then bytes in both directions
// until both have ended.
func (t *trip) tunnel(answer *forward.Response) *problem {
	defer answer.Tunnel.Close()
	if forward.Upgrade(t.in) == "" {
		return &problem{status: http.StatusBadGateway, text: "The app switched protocols without being asked to."}
	}
	t.listen(answer.Header)
	t.witness(answer.Status)
	header := outward(answer.Header)
	header["Connection"], header["Upgrade"] = []string{"Upgrade"}, slices.Collect(answer.Header.Values("Upgrade"))
	client, err := t.out.SwitchTo(header)
	if err != nil {
		return &problem{status: http.StatusBadGateway, text: "The connection cannot switch protocols."}
	}
	defer client.Close()
	forward.Join(client, answer.Tunnel)
	return nil
}

// outward copies what leaves the sidecar of an answer.
func outward(header wire.Header) http.Header {
	h := forward.EndToEnd(forward.HTTPHeader(header))
	delete(h, replay.DidHeader)
	return h
}
