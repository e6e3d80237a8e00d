//go:build linux

package wan_test

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"
	"time"

	"homing/bench/wan"
	"homing/edge/misbehave"
)

// datagrams are numbered ones from gru to ord.
type datagrams struct {
	t    *testing.T
	n    *wan.Network
	out  net.Conn
	next uint32
	come chan uint32 // their numbers, as they arrive
}

func newDatagrams(t *testing.T, n *wan.Network) *datagrams {
	t.Helper()
	in, err := n.Site("ord").ListenPacket(t.Context(), "udp", ":7000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	out, err := n.Site("gru").DialContext(t.Context(), "udp", "ord:7000")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	d := &datagrams{t: t, n: n, out: out, come: make(chan uint32, 1000)}
	go func() {
		b := make([]byte, 2000)
		for {
			size, _, err := in.ReadFrom(b)
			if err != nil || size < 4 {
				return
			}
			d.come <- binary.BigEndian.Uint32(b)
		}
	}()
	return d
}

// send sends so many, each of size bytes with the headers of IP and UDP, and waits until
// all are counted.
func (d *datagrams) send(count, size int) wan.Counts {
	d.t.Helper()
	b := make([]byte, size-28)
	for range count {
		binary.BigEndian.PutUint32(b, d.next)
		d.next++
		if _, err := d.out.Write(b); err != nil {
			d.t.Fatal(err)
		}
	}
	var c wan.Counts
	misbehave.Eventually(d.t, "each datagram is counted", func() bool {
		c = d.n.Counts("gru", "ord")
		return c.Carried+c.Lost+c.Full+c.Cut >= int64(d.next)
	})
	return c
}

// receive returns the numbers of the next datagrams.
func (d *datagrams) receive(count int64) (numbers []uint32) {
	d.t.Helper()
	for range count {
		select {
		case n := <-d.come:
			numbers = append(numbers, n)
		case <-time.After(5 * time.Second):
			d.t.Fatalf("%d of %d datagrams arrived", len(numbers), count)
		}
	}
	return numbers
}

func TestDatagramsArriveInTheirOrder(t *testing.T) {
	cfg := near()
	cfg.Delay = nil
	d := newDatagrams(t, newNetwork(t, cfg))
	if c := d.send(100, 100); c != (wan.Counts{Carried: 100}) {
		t.Errorf("counted %+v, want 100 carried", c)
	}
	for i, n := range d.receive(100) {
		if n != uint32(i) {
			t.Fatalf("datagram %d came after %d others", n, i)
		}
	}
}

func TestLossDropsItsShare(t *testing.T) {
	cfg := near()
	cfg.Loss, cfg.Seed = 0.2, 1
	d := newDatagrams(t, newNetwork(t, cfg))
	c := d.send(200, 100)
	if c.Carried+c.Lost != 200 || c.Lost < 20 || c.Lost > 60 {
		t.Errorf("counted %+v, want about 40 of 200 lost", c)
	}
	if got := d.receive(c.Carried); !slices.IsSorted(got) {
		t.Errorf("what was not lost arrived out of order: %v", got)
	}
}

func TestARateBoundsWhatPasses(t *testing.T) {
	cfg := near()
	cfg.Rate, cfg.Queue = 8e6, 20_000
	d := newDatagrams(t, newNetwork(t, cfg))
	begun := time.Now()
	c := d.send(100, 1000)
	sent := time.Since(begun)
	// 20 find room in the queue, and one more for each millisecond that passes.
	if passed := int64(sent/ms) + 1; c.Carried < 20 || c.Carried > 20+passed || c.Carried+c.Full != 100 {
		t.Errorf("counted %+v in %v, want 20 to %d carried and the others dropped", c, sent, 20+passed)
	}
	d.receive(c.Carried)
	if took := time.Since(begun); took < time.Duration(c.Carried)*ms {
		t.Errorf("%d kB passed in %v, faster than 8 Mbit/s", c.Carried, took)
	}
}

func TestNothingPassesACutUntilItHeals(t *testing.T) {
	cfg := near()
	cfg.Sites = append(cfg.Sites, "ams")
	n := newNetwork(t, cfg)
	d := newDatagrams(t, n)
	n.Cut("ord", "gru")
	if c := d.send(3, 100); c != (wan.Counts{Cut: 3}) {
		t.Errorf("counted %+v, want 3 at the cut", c)
	}
	connect(t, n, "gru", "ams") // others still reach each other
	connect(t, n, "ams", "ord")
	n.Heal("gru", "ord")
	d.send(1, 100)
	if got := d.receive(1); got[0] != 3 {
		t.Errorf("datagram %d passed the cut", got[0])
	}
}
