package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	// lookEvery is how often statuses are looked at for a change.
	lookEvery = 250 * time.Millisecond
	// restBetween keeps a page readable, and alive, under load: journeys that
	// end meanwhile come together.
	restBetween = 100 * time.Millisecond
	// sayAliveEvery is how often a stream without events says that it is there.
	sayAliveEvery = 15 * time.Second
	// writeWithin is how long a client may take none of an event.
	writeWithin = 10 * time.Second
	// retryAfter is how long a page waits before it connects again.
	retryAfter = time.Second
)

// stream is one page that listens; one goroutine uses it.
type stream struct {
	dash    *dashboard
	w       http.ResponseWriter
	control *http.ResponseController
	regions []byte          // as last sent
	seen    uint64          // journeys, counted from the first
	more    <-chan struct{} // closed when there are more
}

func (d *dashboard) events(w http.ResponseWriter, r *http.Request) {
	if server, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok {
		// Shutdown waits for streams to end, and tells nobody but those who asked.
		d.attach.Do(func() { server.RegisterOnShutdown(func() { close(d.ended) }) })
	}
	w.Header().Set("Content-Type", "text/event-stream")
	s := &stream{dash: d, w: w, control: http.NewResponseController(w)}
	// An error means that the client has gone, or as good as gone: there is
	// nobody to tell.
	_ = s.follow(r.Context().Done())
}

// follow sends what there is, and then what changes, until gone is closed, the
// server is shut down, or the client takes no more.
func (s *stream) follow(gone <-chan struct{}) error {
	look, alive := time.NewTicker(lookEvery), time.NewTicker(sayAliveEvery)
	defer look.Stop()
	defer alive.Stop()
	if err := s.begin(); err != nil {
		return err
	}
	more, rested := s.more, (<-chan time.Time)(nil)
	for {
		var err error
		select {
		case <-gone:
			return nil
		case <-s.dash.ended:
			return nil
		case <-look.C:
			err = s.sendRegions()
		case <-alive.C:
			err = s.write([]byte(": alive\n\n"))
		case <-more:
			err = s.sendJourneys()
			more, rested = nil, time.After(restBetween)
		case <-rested:
			more, rested = s.more, nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *stream) begin() error {
	if err := s.write(fmt.Appendf(nil, "retry: %d\n\n", retryAfter.Milliseconds())); err != nil {
		return err
	}
	if err := s.sendRegions(); err != nil {
		return err
	}
	return s.sendJourneys()
}

// sendRegions sends the statuses if they are not what was sent last.
func (s *stream) sendRegions() error {
	data, err := json.Marshal(s.dash.regions())
	if err != nil || bytes.Equal(data, s.regions) {
		return err
	}
	s.regions = data
	return s.send("regions", data)
}

// sendJourneys sends those since the last time, even if there are none: the
// first event tells a page that was connected before to forget what it had.
func (s *stream) sendJourneys() error {
	list, seen, more := s.dash.journeys(s.seen)
	s.seen, s.more = seen, more
	data, err := json.Marshal(list)
	if err != nil {
		return err
	}
	return s.send("journeys", data)
}

// send sends an event. JSON has no line breaks, so it is one line of data.
func (s *stream) send(event string, data []byte) error {
	return s.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", event, data))
}

func (s *stream) write(b []byte) error {
	// Where there are no deadlines, a client that takes nothing is noticed when
	// its connection ends.
	_ = s.control.SetWriteDeadline(time.Now().Add(writeWithin))
	if _, err := s.w.Write(b); err != nil {
		return err
	}
	return s.control.Flush()
}
