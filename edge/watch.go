package edge

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

// watch notices that a client goes away while it is answered.
type watch struct {
	client *client
	ended  chan struct{} // gets one when a look that was interrupted has ended

	mu      sync.Mutex
	timer   *time.Timer
	on      bool
	looking bool
}

// watchAfter is when a watch begins. Most requests are answered before, and are
// spared what it costs to wake a reader up.
const watchAfter = 5 * time.Millisecond

// begin ends the client's life when it goes away, until end. The client must have sent
// its request to the end.
func (w *watch) begin() {
	if w.client.reader.Buffered() > 0 {
		return // it has sent more: whether it goes away shows only behind that
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.on = true
	if w.timer == nil {
		w.timer = time.AfterFunc(watchAfter, w.look)
		return
	}
	w.timer.Reset(watchAfter)
}

// look reads the connection until the client sends more, goes away, or the watch ends.
func (w *watch) look() {
	c := w.client
	w.mu.Lock()
	if !w.on || w.looking {
		w.mu.Unlock()
		return
	}
	w.looking = true
	c.boundless()
	w.mu.Unlock()

	err := c.reader.Await()
	if err == io.EOF {
		// Perhaps said only because this was its last request. What may be
		// behind that is no request, and can be dropped.
		_, err = c.conn.Read(make([]byte, 1))
	}
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.life.End(nil)
	}
	w.ended <- struct{}{}
}

// end ends the watch and returns when nobody reads the connection any more.
func (w *watch) end() {
	w.mu.Lock()
	if !w.on {
		w.mu.Unlock()
		return
	}
	w.on = false
	w.timer.Stop()
	looking := w.looking
	if looking {
		w.client.interrupt()
	}
	w.mu.Unlock()
	if looking {
		<-w.ended
		w.looking = false
		w.client.clock.forget()
	}
}
