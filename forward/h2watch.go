package forward

import (
	"encoding/binary"
	"math"
	"net"
	"sync"
)

// fate is what became of a request on an HTTP/2 connection, as its frames tell.
type fate struct {
	stream   uint32 // 0: its head was not sent
	answered bool   // a head of an answer came
	refused  bool   // reset by the machine with REFUSED_STREAM (RFC 9113 §8.7)
}

// watch is a connection to a machine that reads along which frames pass. Whether a
// request left at all, and whether the machine has refused it unprocessed, decides
// if it may be sent once more. net/http knows, but tells neither apart from other
// errors, except in words.
type watch struct {
	net.Conn
	out, in frames // of the one who writes, and of the one who reads
	ahead   int    // bytes that out has seen and that were not written yet

	mu   sync.Mutex
	next *fate            // of the request whose head is sent next
	open map[uint32]*fate // by stream
	new  *fate            // of the stream that the write under way begins
	last uint32           // stream that was begun
	away uint32           // the machine looks at no stream above (GOAWAY, §6.8)
	lost bool             // which stream is whose is not known any more
}

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

func newWatch(nc net.Conn) *watch {
	return &watch{Conn: nc, out: frames{skip: len(preface)}, open: make(map[uint32]*fate), away: math.MaxUint32}
}

// expect gives the next stream that begins to f.
func (w *watch) expect(f *fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = f
}

// giveUp is called when a request was given up that may still send its head, which
// would pass for the next one's. From then on nothing is known of any request.
func (w *watch) giveUp(f *fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = w.lost || f.stream == 0
}

func (w *watch) isLost() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lost
}

// settle returns what became of a request, which is no longer watched.
func (w *watch) settle(f *fate) (sent, answered, unprocessed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.open, f.stream)
	if w.next == f {
		w.next = nil
	}
	if w.lost {
		return true, f.answered, false
	}
	sent = f.stream != 0
	return sent, f.answered, sent && !f.answered && (f.refused || f.stream > w.away)
}

// Write notes the streams that begin before they do: an answer can come before
// the write has returned.
func (w *watch) Write(p []byte) (int, error) {
	w.out.pass(p[min(w.ahead, len(p)):], w.leaves)
	n, err := w.Conn.Write(p)
	w.ahead = len(p) - n // of a write that a deadline has cut, the rest comes again
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.new != nil && n == 0 {
		delete(w.open, w.new.stream)
		w.new.stream = 0
	}
	w.new = nil
	return n, err
}

func (w *watch) leaves(kind byte, stream uint32, _ []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if kind != headersFrame || stream <= w.last {
		return // also the trailer of a stream that is open
	}
	w.last = stream
	if w.next != nil {
		w.new, w.next = w.next, nil
		w.new.stream = stream
		w.open[stream] = w.new
	}
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.in.pass(p[:n], w.comes)
	return n, err
}

func (w *watch) comes(kind byte, stream uint32, payload []byte) {
	const refusedStream = 7 // RFC 9113 §7
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.open[stream]
	switch {
	case kind == goAwayFrame && len(payload) == 4:
		w.away = min(w.away, binary.BigEndian.Uint32(payload)&math.MaxInt32)
	case f == nil:
	case kind == headersFrame:
		f.answered = true
	case kind == resetFrame && len(payload) == 4:
		f.refused = binary.BigEndian.Uint32(payload) == refusedStream
	}
}

// Kinds of frames (RFC 9113 §6).
const (
	headersFrame = 1
	resetFrame   = 3
	goAwayFrame  = 7
)

// frames takes apart what passes in one direction (RFC 9113 §4.1).
type frames struct {
	skip int // bytes until the next frame begins
	buf  [9 + 4]byte
	have int // bytes of a frame's head, and of its payload if that is looked at
}

// pass calls seen for each frame that p completes the head of, with the first four
// bytes of its payload where they matter.
func (f *frames) pass(p []byte, seen func(kind byte, stream uint32, payload []byte)) {
	for len(p) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(p))
			f.skip -= n
			p = p[n:]
			continue
		}
		want := f.want()
		n := copy(f.buf[f.have:want], p)
		f.have += n
		p = p[n:]
		if f.have < want || f.want() > want {
			continue
		}
		length := int(f.buf[0])<<16 | int(f.buf[1])<<8 | int(f.buf[2])
		seen(f.buf[3], binary.BigEndian.Uint32(f.buf[5:])&math.MaxInt32, f.buf[9:f.have])
		f.skip, f.have = length-(f.have-9), 0
	}
}

// want is how many bytes of the frame are looked at, as far as its head tells.
func (f *frames) want() int {
	if f.have < 9 || f.buf[3] != resetFrame && f.buf[3] != goAwayFrame {
		return 9
	}
	length := int(f.buf[0])<<16 | int(f.buf[1])<<8 | int(f.buf[2])
	return 9 + min(length, 4)
}
