package forward

import (
	"bytes"
	"errors"
	"net"
	"testing"

	"golang.org/x/net/http2"
)

// script is a connection whose other side has said all, and which takes as many
// bytes of each write as its list says.
type script struct {
	net.Conn
	says  bytes.Buffer
	takes []int
}

func (s *script) Read(p []byte) (int, error) { return s.says.Read(p) }

func (s *script) Write(p []byte) (int, error) {
	if len(s.takes) == 0 {
		return len(p), nil
	}
	n := s.takes[0]
	s.takes = s.takes[1:]
	if n < len(p) {
		return n, errors.New("full")
	}
	return len(p), nil
}

// headers is what a client writes to begin streams.
func headers(streams ...uint32) []byte {
	var b bytes.Buffer
	fr := http2.NewFramer(&b, nil)
	for _, id := range streams {
		fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: make([]byte, 70), EndHeaders: true})
		fr.WriteData(id, true, make([]byte, 200))
	}
	return b.Bytes()
}

func began(t *testing.T, takes ...int) (*watch, *script) {
	t.Helper()
	s := &script{takes: takes}
	w := newWatch(s)
	if n := len(preface); len(takes) == 0 {
		w.Write([]byte(preface)[:n/2])
		w.Write([]byte(preface)[n/2:])
	} else {
		w.out.skip = 0
	}
	return w, s
}

func TestWatchFollowsStreams(t *testing.T) {
	w, s := began(t)
	var one, two fate
	w.expect(&one)
	w.Write(headers(1))
	w.expect(&two)
	for _, b := range headers(1, 3) { // the first is a trailer by now
		w.Write([]byte{b})
	}
	fr := http2.NewFramer(&s.says, nil)
	fr.WriteData(1, false, make([]byte, 100))
	fr.WriteRSTStream(3, http2.ErrCodeRefusedStream)
	fr.WriteRSTStream(1, http2.ErrCodeCancel)
	for buf := make([]byte, 3); ; {
		if _, err := w.Read(buf); err != nil {
			break
		}
	}
	if one.stream != 1 || two.stream != 3 {
		t.Errorf("the streams are %d and %d", one.stream, two.stream)
	}
	if sent, answered, unprocessed := w.settle(&one); !sent || answered || unprocessed {
		t.Errorf("the first: %v %v %v", sent, answered, unprocessed)
	}
	if sent, answered, unprocessed := w.settle(&two); !sent || answered || !unprocessed {
		t.Errorf("the second: %v %v %v", sent, answered, unprocessed)
	}
	if len(w.open) > 0 {
		t.Error("streams are still watched")
	}
}

func TestWatchKnowsWhatWasWritten(t *testing.T) {
	for name, tc := range map[string]struct {
		takes []int
		sent  bool
	}{
		"nothing":  {[]int{0}, false},
		"a byte":   {[]int{1}, true},
		"in parts": {[]int{5, 7, 1000}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w, _ := began(t, tc.takes...)
			var f, next fate
			w.expect(&f)
			p := headers(1)
			for range tc.takes { // as net/http does while a deadline cuts its writes
				n, err := w.Write(p)
				if p = p[n:]; err == nil || n == 0 {
					break
				}
			}
			if sent, _, _ := w.settle(&f); sent != tc.sent {
				t.Errorf("sent: %v", sent)
			}
			w.expect(&next)
			if w.Write(headers(3)); len(tc.takes) > 1 && next.stream != 3 {
				t.Errorf("the next stream is %d", next.stream)
			}
		})
	}
}

func TestWatchBelievesNothingOnceARequestWasGivenUp(t *testing.T) {
	w, s := began(t)
	var one, two fate
	w.expect(&one)
	w.giveUp(&one)
	w.expect(&two)
	w.Write(headers(1)) // whose?
	http2.NewFramer(&s.says, nil).WriteRSTStream(1, http2.ErrCodeRefusedStream)
	w.Read(make([]byte, 100))
	for _, f := range []*fate{&one, &two} {
		if sent, _, unprocessed := w.settle(f); !sent || unprocessed {
			t.Errorf("sent: %v, unprocessed: %v", sent, unprocessed)
		}
	}
	if !w.isLost() {
		t.Error("the connection takes further requests")
	}
}
