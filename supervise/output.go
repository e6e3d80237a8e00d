package supervise

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Stream says where a line comes from.
type Stream int

const (
	Stdout Stream = 1
	Stderr Stream = 2
	Note   Stream = 3 // from us: what was dropped
)

// Line is a line of output, without its end. Colour codes are left in it.
type Line struct {
	At     time.Time
	Stream Stream
	Text   string
	// Cut says that the line goes on in the next one: it is longer than 64 KiB.
	Cut bool
}

const (
	lineSize  = 64 << 10
	queueSize = 1 << 20
	lastLines = 20
)

// lines reads lines from r until its end, or an error, which is an end, too.
func lines(r io.Reader, stream Stream, line func(Line)) {
	in := bufio.NewReaderSize(r, lineSize)
	goesOn := false // the line before was cut
	for {
		text, err := in.ReadSlice('\n')
		cut := err == bufio.ErrBufferFull
		text, ended := bytes.CutSuffix(text, []byte("\n"))
		if ended {
			text = bytes.TrimSuffix(text, []byte("\r"))
		}
		// A line of just the size is cut before its end, of which nothing is to be told.
		if len(text) > 0 || ended && !goesOn {
			line(Line{time.Now(), stream, string(text), cut})
		}
		if goesOn = cut; err != nil && !cut {
			return
		}
	}
}

// queue stands between an app, which must not wait, and who reads its lines. Past its
// size lines are dropped, the newest: what is lost is told in its place. It remembers
// the last lines all the same.
type queue struct {
	wake chan struct{} // has room for one: there is something to take

	mu      sync.Mutex
	waiting []Line
	size    int // bytes that wait
	dropped int // lines since the last that was kept
	closed  bool
	last    []string
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(l Line) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.last = append(q.last, l.Text); len(q.last) > lastLines {
		q.last = slices.Delete(q.last, 0, 1)
	}
	const perLine = 64 // what an empty line costs
	if cost := len(l.Text) + perLine; q.size+cost > queueSize {
		q.dropped++
		return
	} else {
		q.size += cost
	}
	q.tellDropped()
	q.waiting = append(q.waiting, l)
	q.wakeUp()
}

// tellDropped is called with mu held.
func (q *queue) tellDropped() {
	if q.dropped > 0 {
		text := fmt.Sprintf("%d lines of output were dropped here: they came faster than they could be shown", q.dropped)
		q.waiting, q.dropped = append(q.waiting, Line{At: time.Now(), Stream: Note, Text: text}), 0
	}
}

func (q *queue) wakeUp() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// close must come after the last put.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.tellDropped()
	q.closed = true
	q.wakeUp()
}

// deliver hands the lines to output until the queue is closed and empty.
func (q *queue) deliver(output func(Line)) {
	for range q.wake {
		taken, closed := q.take()
		for _, l := range taken {
			output(l)
		}
		if closed {
			return
		}
	}
}

func (q *queue) take() (taken []Line, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	taken, q.waiting, q.size = q.waiting, nil, 0
	return taken, q.closed
}

func (q *queue) lastLines() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.last)
}
