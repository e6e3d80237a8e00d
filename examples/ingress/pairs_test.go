package ingress_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// pairing is many browsers that each write and then read, in regions without the
// primary.
type pairing struct {
	*world
	next atomic.Int64

	mu                                sync.Mutex
	reached, waited, forwarded, tired int
}

// pairs are writes and reads while replication is held back at random.
func (w *world) pairs(n int) {
	p := &pairing{world: w}
	seed := rand.Uint64()
	w.Log("the seed is", seed)
	stop := p.gates(seed, 2*time.Second)
	begun := time.Now()
	var all sync.WaitGroup
	for range 30 {
		b := w.browser()
		all.Go(func() {
			for i := p.next.Add(1); i <= int64(n) && !w.Failed(); i = p.next.Add(1) {
				p.pair(b, int(i))
			}
		})
	}
	all.Wait()
	stop()
	w.Logf("%d pairs in %v: %d read next door at once, %d after waiting, %d at home, of these %d for want of a look in time",
		n, time.Since(begun).Round(time.Millisecond), p.reached, p.waited, p.forwarded, p.tired)
	if p.reached < n/100 || p.waited < n/100 || p.forwarded < n/100 {
		w.Error("replication was hardly ever behind, or always: the test proves little")
	}
	// The machine may be too busy for a look at a database within the wait.
	if p.tired > n/50 {
		w.Errorf("%d reads went home although their replica had all they needed", p.tired)
	}
}

// pair writes in one region, and reads there or in the other.
func (p *pairing) pair(b *browser, n int) {
	regions := [2]*place{p.places["gru"], p.places["ams"]}
	name := fmt.Sprintf("%s-%d", p.front.name, n)
	wrote := b.post(regions[n&1], name)
	l, err := wrote.link()
	token, bad := p.keys.Open(wrote.header.Get("Homing-Position"))
	if err != nil || bad != nil || wrote.status != http.StatusCreated || !wrote.wasForwarded(regions[n&1].region) {
		p.Errorf("writing %s: %v, %v, %v", name, wrote, err, bad)
		return
	}
	at := regions[n>>1&1]
	before := p.arrived(at.region, token.Position)
	got := b.get(at, path(l))
	after := p.arrived(at.region, token.Position)
	if read, err := got.link(); err != nil || read != l {
		p.Errorf("%s was read as %v, after %+v", name, got, l)
		return
	}
	p.judge(got, at.region, before, after)
}

// judge holds an answer against what the replica had before it was asked for, and
// after it came: it is of the replica exactly if the position arrived within the wait.
func (p *pairing) judge(got answer, region string, before, after bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case got.wasForwarded(region):
		p.forwarded++
		if before {
			p.tired++
		}
		if got.took < wait {
			p.Errorf("sent home from %s after %v: %v", region, got.took, got)
		}
	case !got.wasLocal(region):
		p.Errorf("read in %s: %v", region, got)
	case !after:
		p.Errorf("the replica in %s answered before it had got there: %v", region, got)
	case before:
		p.reached++
	default:
		p.waited++
	}
}

// gates holds back and releases each replica at random, for no longer than it says,
// until it is stopped.
func (p *pairing) gates(seed uint64, longest time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(p.Context())
	var wait sync.WaitGroup
	for i, s := range p.cluster.Replicas() {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		wait.Go(func() {
			defer s.ResumeReplay(context.WithoutCancel(ctx)) //nolint:errcheck // the next test finds out
			for ctx.Err() == nil {
				if err := s.HoldReplay(ctx); err != nil && ctx.Err() == nil {
					p.Error(err)
				}
				pause(ctx, time.Duration(r.Int64N(int64(longest))))
				if err := s.ResumeReplay(ctx); err != nil && ctx.Err() == nil {
					p.Error(err)
				}
				pause(ctx, time.Duration(r.Int64N(int64(longest/2))))
			}
		})
	}
	return func() { cancel(); wait.Wait() }
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
