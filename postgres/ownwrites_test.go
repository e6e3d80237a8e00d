package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homing/decision"
	"homing/machine"
	"homing/postgres/pgtest"
)

// TestNobodySeesAPageOlderThanTheirOwnWrite writes and then reads, again and again,
// from three regions, while replication is held back at random for up to two seconds.
func TestNobodySeesAPageOlderThanTheirOwnWrite(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg   pgtest.Config
		pairs int
	}{
		"direct":            {pgtest.Config{}, 10_000},
		"through PgBouncer": {pgtest.Config{PgBouncer: true}, 2_000},
	} {
		t.Run(name, func(t *testing.T) {
			pairs := tc.pairs
			if testing.Short() {
				pairs /= 10
			}
			p := &pairing{regions: newRegions(t, tc.cfg, rowsApp, "HOMING_WAIT=50ms"), reasons: map[decision.Reason]int{}}
			seed := rand.Uint64()
			t.Log("the seed is", seed)
			stop := p.gates(seed, 2*time.Second)
			p.run(pairs)
			stop()
			t.Logf("%d pairs: %v", pairs, p.reasons)
			if !testing.Short() && (p.reasons[decision.Stale] < pairs/100 || p.reasons[decision.Waited] < pairs/100) {
				t.Error("replication was hardly ever behind, or always: the test proves little")
			}
		})
	}
}

// pairing is many clients that write and then read.
type pairing struct {
	*regions
	next atomic.Int64

	mu      sync.Mutex
	reasons map[decision.Reason]int
}

// gates holds back and releases each replica at random, for no longer than it says,
// until it is stopped.
func (p *pairing) gates(seed uint64, longest time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(p.t.Context())
	var wait sync.WaitGroup
	for i, s := range p.cluster.Replicas() {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		wait.Go(func() {
			defer s.ResumeReplay(context.WithoutCancel(ctx))
			for ctx.Err() == nil {
				if err := s.HoldReplay(ctx); err != nil && ctx.Err() == nil {
					p.t.Error(err)
				}
				pause(ctx, time.Duration(r.Int64N(int64(longest))))
				if err := s.ResumeReplay(ctx); err != nil && ctx.Err() == nil {
					p.t.Error(err)
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

func (p *pairing) run(pairs int) {
	var wait sync.WaitGroup
	for client := range 30 {
		wait.Go(func() {
			for n := p.next.Add(1); n <= int64(pairs) && !p.t.Failed(); n = p.next.Add(1) {
				at := codes[(client+int(n))%len(codes)]
				id := fmt.Sprint(n)
				wrote, err := p.do(at, "POST", "/rows/"+id, "")
				if err != nil || wrote.status != 200 || wrote.token() == "" {
					p.t.Errorf("write %s in %s: %v, %v", id, at, wrote, err)
					return
				}
				p.journey(wrote.header.Get("Fly-Request-Id"))
				read, err := p.do(at, "GET", "/rows/"+id, wrote.token())
				if err != nil || read.status != 200 || read.body != "1" {
					p.t.Errorf("read %s in %s: %v, %v", id, at, read, err)
					return
				}
				p.judge(id, read)
			}
		})
	}
	wait.Wait()
}

// judge holds a decision against what the replica had: served where it arrived if the
// position had come within the wait, and only then.
func (p *pairing) judge(id string, read reply) {
	r := p.journey(read.header.Get("Fly-Request-Id"))
	d := r.Hops[0].Decision
	p.mu.Lock()
	p.reasons[d.Reason]++
	p.mu.Unlock()
	switch d.Reason {
	case decision.Primary:
		if len(r.Hops) != 1 || d.Role != machine.Primary {
			p.t.Errorf("read %s: %+v", id, r.Hops)
		}
	case decision.Reached, decision.Waited:
		if len(r.Hops) != 1 || d.Wanted == "" {
			p.t.Errorf("read %s: %+v", id, r.Hops)
		}
	case decision.Stale:
		if len(r.Hops) != 2 || d.Waited < 50*time.Millisecond {
			p.t.Errorf("read %s went home after %v: %+v", id, d.Waited, r.Hops)
		}
	default:
		p.t.Errorf("read %s: %s", id, d.Reason)
	}
}
