package wan

import (
	"math/rand/v2"
	"time"
)

// line is one direction between two sites. Times are since the network began. The
// network's mutex guards it.
type line struct {
	delay time.Duration
	rate  int64 // bits a second; 0: without end
	queue int64 // bytes
	loss  float64
	dice  *rand.Rand
	to    *Site

	cut    bool
	counts Counts
	free   time.Duration // when all that waits for its turn will have been sent

	first, last *packet // on their way, in order
}

// packet is one that is on its way, or in stock.
type packet struct {
	due  time.Duration
	b    []byte
	next *packet
}

// Counts are the packets, or bundles of packets, of one direction between two sites.
type Counts struct {
	Carried int64 // or on their way
	Lost    int64 // by chance
	Full    int64 // dropped in front of the rate
	Cut     int64 // sent while the line was cut
}

// admit says when a packet of so many bytes that is sent now arrives; false: never.
func (l *line) admit(now time.Duration, size int) (due time.Duration, ok bool) {
	if l.cut {
		l.counts.Cut++
		return 0, false
	}
	if l.loss > 0 && l.dice.Float64() < l.loss {
		l.counts.Lost++
		return 0, false
	}
	sent := now
	if l.rate > 0 {
		turn := max(now, l.free)
		if l.bytesIn(turn-now)+int64(size) > l.queue {
			l.counts.Full++
			return 0, false
		}
		l.free = turn + l.timeOf(size)
		sent = l.free
	}
	l.counts.Carried++
	return sent + l.delay, true
}

func (l *line) timeOf(size int) time.Duration {
	return time.Duration(int64(size) * 8 * int64(time.Second) / l.rate)
}

func (l *line) bytesIn(d time.Duration) int64 {
	return int64(d.Seconds() * float64(l.rate) / 8)
}

func (l *line) push(p *packet) {
	p.next = nil
	if l.first == nil {
		l.first = p
	} else {
		l.last.next = p
	}
	l.last = p
}

// pop returns the next packet that is due, or nil.
func (l *line) pop(now time.Duration) *packet {
	p := l.first
	if p == nil || p.due > now {
		return nil
	}
	l.first = p.next
	return p
}
