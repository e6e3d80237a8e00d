package forward_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"homing/forward"
	"homing/wire"
)

// frames is an HTTP/2 machine that is written by hand.
type frames struct {
	*http2.Framer
	conn *net.TCPConn
}

// newFrames is a machine whose f gets each connection when its settings have been
// exchanged.
func newFrames(t testing.TB, f func(nth int, m frames)) *raw {
	return newRaw(t, func(nth int, c *net.TCPConn, br *bufio.Reader) {
		for range 2 { // the preface looks like two heads
			if !skipHead(br) {
				return
			}
		}
		m := frames{http2.NewFramer(c, br), c}
		m.WriteSettings()
		m.WriteSettingsAck()
		f(nth, m)
	})
}

// request waits for the head of the next request.
func (m frames) request() (stream uint32) {
	for {
		f, err := m.ReadFrame()
		if err != nil {
			return 0
		}
		if h, ok := f.(*http2.HeadersFrame); ok {
			return h.StreamID
		}
	}
}

func (m frames) answer(stream uint32, status string, ends bool) error {
	var b bytes.Buffer
	hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: status})
	return m.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: ends})
}

// end waits for the other side to close.
func (m frames) end() {
	for {
		if _, err := m.ReadFrame(); err != nil {
			return
		}
	}
}

func TestHTTP2RefusalsKnowWhatWasProcessed(t *testing.T) {
	leavesNothing(t)
	for name, tc := range map[string]struct {
		machine               func(m frames)
		answered, unprocessed bool
	}{
		"refused": {func(m frames) {
			m.WriteRSTStream(m.request(), http2.ErrCodeRefusedStream)
			m.end()
		}, false, true},
		"reset": {func(m frames) {
			m.WriteRSTStream(m.request(), http2.ErrCodeProtocol)
			m.end()
		}, false, false},
		"refused after it has said something": {func(m frames) {
			id := m.request()
			m.answer(id, "103", false)
			m.WriteRSTStream(id, http2.ErrCodeRefusedStream)
			m.end()
		}, true, false},
		"going away without it": {func(m frames) {
			m.request()
			m.WriteGoAway(0, http2.ErrCodeNo, nil)
			m.end()
		}, false, true},
		"going away without it, and angry": {func(m frames) {
			m.request()
			m.WriteGoAway(0, http2.ErrCodeEnhanceYourCalm, []byte("too many"))
			m.end()
		}, false, true},
		"going away with it, and gone": {func(m frames) {
			m.WriteGoAway(m.request(), http2.ErrCodeNo, nil)
		}, false, false},
		"going away in two steps": {func(m frames) {
			m.request()
			m.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
			m.WriteGoAway(0, http2.ErrCodeNo, nil)
			m.end()
		}, false, true},
		"gone without a word": {func(m frames) { m.request() }, false, false},
		"gone with a reset":   {func(m frames) { m.request(); reset(m.conn) }, false, false},
		"an answer that is none": {func(m frames) {
			m.answer(m.request(), "ok", true)
			m.end()
		}, true, false},
	} {
		for _, dial := range []string{"whole", "dribbling"} {
			t.Run(name+", "+dial, func(t *testing.T) {
				machine := newFrames(t, func(_ int, m frames) { tc.machine(m) })
				cfg := forward.Config{}
				if dial == "dribbling" {
					cfg.Dial = dribble
				}
				_, err := newPool(t, cfg).Do(t.Context(), machine.addr, request2("POST"))
				var fail *forward.Error
				if !errors.As(err, &fail) {
					t.Fatalf("got %v", err)
				}
				if fail.Op != "answer" || !fail.Sent || fail.Answered != tc.answered || fail.Unprocessed != tc.unprocessed || fail.Reused {
					t.Errorf("got %+v", fail)
				}
			})
		}
	}
}

// dribble connects so that bytes come and go one by one.
func dribble(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, addr)
	return dribbling{c}, err
}

type dribbling struct{ net.Conn }

func (d dribbling) Read(p []byte) (int, error) { return d.Conn.Read(p[:min(1, len(p))]) }

func TestHTTP2OneOfTwoIsRefused(t *testing.T) {
	leavesNothing(t)
	first := make(chan struct{})
	machine := newFrames(t, func(nth int, m frames) {
		a := m.request()
		if nth > 0 {
			m.answer(a, "204", true)
			m.end()
			return
		}
		close(first)
		m.request()
		m.WriteGoAway(a, http2.ErrCodeNo, nil)
		m.answer(a, "204", true)
		m.end()
	})
	p := newPool(t, forward.Config{})
	done := background(t.Context(), p, machine.addr, request2("POST"))
	<-first
	_, err := p.Do(t.Context(), machine.addr, request2("POST"))
	var fail *forward.Error
	if !errors.As(err, &fail) || !fail.Sent || !fail.Unprocessed || !fail.Reused {
		t.Errorf("the second: %+v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	if resp, _ := get(t, p, machine.addr, request2("POST")); resp.Status != 204 || resp.Connect <= 0 {
		t.Errorf("the third: %d on a connection that took %v", resp.Status, resp.Connect)
	}
}

func TestHTTP2NothingIsSentOnAConnectionThatHasEnded(t *testing.T) {
	leavesNothing(t)
	closed := make(chan struct{})
	machine := newFrames(t, func(nth int, m frames) {
		m.answer(m.request(), "204", true)
		if nth == 0 {
			m.conn.CloseWrite()
			m.end()
			close(closed)
			return
		}
		m.end()
	})
	p := newPool(t, forward.Config{})
	get(t, p, machine.addr, request2("POST"))
	<-closed // our side has noticed
	if resp, _ := get(t, p, machine.addr, request2("POST")); resp.Connect <= 0 {
		t.Error("the second was sent on the old connection")
	}
}

func TestHTTP2AMachineThatSpeaksHTTP1(t *testing.T) {
	leavesNothing(t)
	addr, _ := serving(t, ok)
	_, err := newPool(t, forward.Config{}).Do(t.Context(), addr, request2("GET"))
	var fail *forward.Error
	if !errors.As(err, &fail) || fail.Unprocessed {
		t.Errorf("got %+v", err)
	}
}

func TestHTTP2EndlessHintsAreRefused(t *testing.T) {
	leavesNothing(t)
	machine := newFrames(t, func(_ int, m frames) {
		id := m.request()
		for m.answer(id, "103", false) == nil {
		}
	})
	hints := 0
	req := request2("GET")
	req.Early = func(int, wire.Header) { hints++ }
	_, err := newPool(t, forward.Config{}).Do(t.Context(), machine.addr, req)
	var fail *forward.Error
	if !errors.As(err, &fail) || !fail.Answered || hints == 0 {
		t.Errorf("after %d hints: %+v", hints, err)
	}
}

func TestHTTP2AnAnswerEndsTheBody(t *testing.T) {
	silent, _ := io.Pipe()
	for name, tc := range map[string]struct {
		client io.Reader
		length int64
		taken  int  // before the answer
		ends   bool // the stream does, and not the connection; else either will do
	}{
		"that does not come":   {silent, -1, 0, true},
		"that came as a whole": {zeros(40 << 10), 40 << 10, 16 << 10, true},
		"that nobody takes":    {zeros(1 << 20), 1 << 20, 1<<16 - 1, false}, // the window is full
	} {
		t.Run(name, func(t *testing.T) {
			leavesNothing(t)
			ended := make(chan bool, 1)
			machine := newFrames(t, func(_ int, m frames) {
				id := m.request()
				for tc.taken > 0 {
					if f, err := m.ReadFrame(); err != nil {
						break
					} else if f.Header().Type == http2.FrameData {
						tc.taken -= int(f.Header().Length)
					}
				}
				m.answer(id, "204", true) // and no word on the body
				ended <- m.streamEnds()
			})
			req := request2("POST")
			withBody(t, req, tc.client, tc.length)
			if resp, _ := get(t, newPool(t, forward.Config{IdleTimeout: time.Hour}), machine.addr, req); resp.Status != 204 {
				t.Errorf("got %d", resp.Status)
			}
			if got := <-ended; tc.ends && !got {
				t.Error("the connection has ended with the stream")
			}
		})
	}
}

// streamEnds reports whether a stream ends, or is reset, before the connection does.
func (m frames) streamEnds() bool {
	for {
		f, err := m.ReadFrame()
		if err != nil {
			return false
		}
		if f.Header().Type == http2.FrameRSTStream || f.Header().Type == http2.FrameData && f.Header().Flags.Has(http2.FlagDataEndStream) {
			return true
		}
	}
}
