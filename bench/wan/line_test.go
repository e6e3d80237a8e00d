package wan

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const ms = time.Millisecond

func TestWhatALineDoesWithPackets(t *testing.T) {
	type sent struct {
		at   time.Duration
		size int
		due  time.Duration // 0: never
	}
	for _, tt := range []struct {
		behaviour string
		line      line
		sent      []sent
		counts    Counts
	}{
		{"the delay, and nothing else", line{delay: 50 * ms},
			[]sent{{0, 1500, 50 * ms}, {0, 1500, 50 * ms}, {1 * ms, 40, 51 * ms}}, Counts{Carried: 3}},
		{"at 8 Mbit/s a kilobyte takes a millisecond", line{delay: 50 * ms, rate: 8e6, queue: 1e6},
			[]sent{{0, 1000, 51 * ms}}, Counts{Carried: 1}},
		{"one after the other", line{rate: 8e6, queue: 1e6},
			[]sent{{0, 1000, 1 * ms}, {0, 2000, 3 * ms}, {1 * ms, 1000, 4 * ms}}, Counts{Carried: 3}},
		{"a rate that was not used is not saved up", line{rate: 8e6, queue: 1e6},
			[]sent{{0, 1000, 1 * ms}, {100 * ms, 1000, 101 * ms}, {100 * ms, 1000, 102 * ms}}, Counts{Carried: 3}},
		{"what the queue cannot take is dropped", line{rate: 8e6, queue: 2000},
			[]sent{{0, 1000, 1 * ms}, {0, 1000, 2 * ms}, {0, 1000, 0}}, Counts{Carried: 2, Full: 1}},
		{"a small one may still find room", line{rate: 8e6, queue: 2000},
			[]sent{{0, 1500, 1500 * time.Microsecond}, {0, 1000, 0}, {0, 500, 2 * ms}}, Counts{Carried: 2, Full: 1}},
		{"the queue empties with time", line{rate: 8e6, queue: 2000},
			[]sent{{0, 2000, 2 * ms}, {0, 1000, 0}, {1 * ms, 1000, 3 * ms}}, Counts{Carried: 2, Full: 1}},
		{"what is dropped takes no time", line{rate: 8e6, queue: 1000},
			[]sent{{0, 1000, 1 * ms}, {0, 1000, 0}, {1 * ms, 1000, 2 * ms}}, Counts{Carried: 2, Full: 1}},
		{"a cut line carries nothing", line{delay: 50 * ms, cut: true},
			[]sent{{0, 1500, 0}}, Counts{Cut: 1}},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			for i, s := range tt.sent {
				due, ok := tt.line.admit(s.at, s.size)
				if due != s.due || ok != (s.due > 0) {
					t.Errorf("packet %d, of %d bytes, sent at %v: due at %v, %v; want %v", i, s.size, s.at, due, ok, s.due)
				}
			}
			if tt.line.counts != tt.counts {
				t.Errorf("counted %+v, want %+v", tt.line.counts, tt.counts)
			}
		})
	}
}

func TestWhichPacketsAreLostFollowsFromTheSeed(t *testing.T) {
	lose := func(seed uint64) (lost []int, l line) {
		l = line{loss: 0.1, dice: rand.New(rand.NewPCG(seed, 0))}
		for i := range 1000 {
			if _, ok := l.admit(0, 100); !ok {
				lost = append(lost, i)
			}
		}
		return lost, l
	}
	first, l := lose(1)
	again, _ := lose(1)
	other, _ := lose(2)
	if len(first) != int(l.counts.Lost) || l.counts.Lost+l.counts.Carried != 1000 || len(first) < 50 || len(first) > 150 {
		t.Errorf("%d of 1000 were lost at a loss of 0.1, counted %+v", len(first), l.counts)
	}
	if !slices.Equal(first, again) {
		t.Error("the same seed lost others")
	}
	if slices.Equal(first, other) {
		t.Error("another seed lost the same")
	}
}

func TestPacketsArriveInTheOrderTheyWereSent(t *testing.T) {
	var l line
	for i := range 3 {
		l.push(&packet{due: time.Duration(i) * ms, b: []byte{byte(i)}})
	}
	for i, now := range []time.Duration{0, 1 * ms, 2 * ms} {
		p := l.pop(now)
		if p == nil || p.b[0] != byte(i) {
			t.Fatalf("at %v came %v, want packet %d", now, p, i)
		}
		if again := l.pop(now); again != nil {
			t.Fatalf("at %v came %v too, which is not due", now, again)
		}
	}
	l.push(&packet{b: []byte{9}})
	if p := l.pop(0); p == nil || p.b[0] != 9 {
		t.Errorf("after the line was empty came %v", p)
	}
}
