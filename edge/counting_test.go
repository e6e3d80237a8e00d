package edge_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

var seed = flag.Uint64("seed", 0, "of the kills in TestNothingRunsTwice; 0: another each time")

// counted is a request, and what its client got.
type counted struct {
	id, method, how string // how: "here", or the way to the primary
	status          int    // 0: the connection was cut
	code            string
	ran             string // the region, if it was answered
	maybe           bool   // the answer says that it may have been carried out
}

// once reports whether it must not run a second time, whatever happened to it. One
// that is safe to repeat may, until it has been replayed.
func (c *counted) once() bool { return c.method != "GET" }

// slaughter is a fleet whose machines are killed all the time, behind two edges.
type slaughter struct {
	t       *testing.T
	fleet   *fleet.Fleet
	mortals []*mortal
	edges   []*world

	kills, busy     atomic.Int64 // busy: those that hit requests under way
	resends, replay atomic.Int64 // exchanges after one that failed, or after a replay
}

const homeRegion = "ord"

// TestNothingRunsTwice kills machines at random moments under thousands of
// requests, and counts in the machines' files how often each has run.
func TestNothingRunsTwice(t *testing.T) {
	n := 10_000
	if testing.Short() {
		n = 1_000
	}
	s := newSlaughter(t)
	from := *seed
	if from == 0 {
		from = rand.Uint64()
	}
	t.Logf("the seed is %d", from)

	ctx, enough := context.WithCancel(t.Context())
	var killers sync.WaitGroup
	for i, m := range s.mortals {
		r := rand.New(rand.NewPCG(from, uint64(i)))
		killers.Go(func() { s.kill(ctx, m, r) })
	}
	requests := mixed(n)
	begun := time.Now()
	s.sendAll(requests)
	took := time.Since(begun)
	enough()
	killers.Wait()
	for _, m := range s.mortals {
		m.kill() // what it still does must not be counted later
	}
	runs := s.runs()
	check(t, requests, runs)
	s.report(requests, runs, took)
}

func newSlaughter(t *testing.T) *slaughter {
	s := &slaughter{t: t, fleet: fleet.New(distances)}
	dir := t.TempDir()
	for _, at := range []region.Code{homeRegion, "gru", "ams"} {
		for i := range 2 {
			id := machine.ID(fmt.Sprint(at, i))
			m := &mortal{id: id, region: at, file: filepath.Join(dir, string(id))}
			t.Cleanup(m.kill)
			s.raise(m)
			s.mortals = append(s.mortals, m)
		}
	}
	for _, at := range []region.Code{"gru", "ams"} {
		s.edges = append(s.edges, newWorld(t, func(c *edge.Config) { c.Region, c.Fleet, c.Record = at, s.fleet, s.record }))
	}
	return s
}

// raise starts a machine and tells the fleet where it is.
func (s *slaughter) raise(m *mortal) {
	up, err := m.start(homeRegion)
	if err != nil {
		s.t.Error(err)
		return
	}
	s.fleet.Update(up)
}

// kill kills one machine again and again. The fleet is told now and then that it
// is down, and else finds out by itself.
func (s *slaughter) kill(ctx context.Context, m *mortal, r *rand.Rand) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration(r.Int64N(int64(500 * time.Millisecond)))):
		}
		now, _ := s.fleet.Snapshot().Machine("web", m.id)
		if now.Load() > 0 {
			s.busy.Add(1)
		}
		m.kill()
		s.kills.Add(1)
		if r.IntN(2) == 0 {
			now.Starting = true
			s.fleet.Update(now)
		}
		s.raise(m)
	}
}

// record counts the exchanges that came after others.
func (s *slaughter) record(r *journey.Record) {
	for i, hop := range r.Hops {
		switch {
		case hop.Replayed:
			s.replay.Add(1)
		case hop.Status == 0 && i < len(r.Hops)-1:
			s.resends.Add(1)
		}
	}
}

// mixed are so many requests: reads and writes, answered where they arrive or
// replayed in each way.
func mixed(n int) []*counted {
	kinds := []counted{
		{method: "GET", how: "here"}, {method: "GET", how: "header"}, {method: "POST", how: "here"}, {method: "PUT", how: "here"},
		{method: "POST", how: "header"}, {method: "POST", how: "json"}, {method: "POST", how: "fallback"}, {method: "PUT", how: "fallback"},
	}
	all := make([]*counted, n)
	for i := range all {
		c := kinds[i%len(kinds)]
		c.id = fmt.Sprintf("%s-%s-%d", c.method, c.how, i)
		all[i] = &c
	}
	return all
}

// sendAll sends all requests from several clients, half of them at each edge.
func (s *slaughter) sendAll(requests []*counted) {
	next := make(chan *counted)
	var clients sync.WaitGroup
	for i := range 40 {
		clients.Go(func() {
			c := &countingClient{t: s.t, addr: s.edges[i%len(s.edges)].addr}
			defer c.leave()
			for r := range next {
				c.send(r)
			}
		})
	}
	for _, r := range requests {
		next <- r
	}
	close(next)
	clients.Wait()
}

// countingClient is a client that never sends anything twice by itself, as net/http's
// would.
type countingClient struct {
	t    *testing.T
	addr string
	conn net.Conn
	br   *bufio.Reader
}

func (c *countingClient) leave() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

func (c *countingClient) send(r *counted) {
	if c.conn == nil {
		conn, err := net.Dial("tcp", c.addr)
		if err != nil {
			c.t.Error(err)
			return
		}
		c.conn, c.br = conn, bufio.NewReader(conn)
	}
	if err := c.exchange(r); err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.t.Errorf("%s hangs", r.id)
		}
		r.status = 0
		c.leave()
	}
}

func (c *countingClient) exchange(r *counted) error {
	_ = c.conn.SetDeadline(time.Now().Add(30 * time.Second)) // an error shows at the next read
	head := fmt.Sprintf("%s / HTTP/1.1\r\nHost: app.test\r\nCount: %s\r\nHow: %s\r\n", r.method, r.id, r.how)
	if r.method == "GET" {
		fmt.Fprint(c.conn, head+"\r\n")
	} else {
		fmt.Fprint(c.conn, head+"Content-Length: 5\r\n\r\nhello")
	}
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	r.status, r.code, r.ran = resp.StatusCode, resp.Header.Get("Homing-Error"), resp.Header.Get("Ran")
	r.maybe = bytes.Contains(body, []byte("may have been carried out"))
	if r.status == http.StatusOK && string(body) != r.id {
		c.t.Errorf("%s got the answer of %s", r.id, body)
	}
	if resp.Close {
		c.leave()
	}
	return nil
}

// runs returns where each request ran, by its ID.
func (s *slaughter) runs() map[string][]execution {
	all := make(map[string][]execution)
	for _, m := range s.mortals {
		for _, e := range m.executions(s.t) {
			all[e.id] = append(all[e.id], e)
		}
	}
	return all
}

// replayedTwice reports whether a request ran more than once as a replay.
func replayedTwice(at []execution) bool {
	n := 0
	for _, e := range at {
		if e.replayed {
			n++
		}
	}
	return n > 1
}

// check holds the executions against what clients were told.
func check(t *testing.T, requests []*counted, runs map[string][]execution) {
	for _, r := range requests {
		at := runs[r.id]
		switch {
		case r.once() && len(at) > 1, replayedTwice(at):
			t.Errorf("%s ran %d times: %v", r.id, len(at), at)
		case r.status == http.StatusOK && len(at) == 0:
			t.Errorf("%s was answered and never ran", r.id)
		case r.status == http.StatusOK && r.once() && string(at[0].region) != r.ran:
			t.Errorf("%s ran in %s, and was answered in %s", r.id, at[0].region, r.ran)
		case r.status == http.StatusOK && (r.how == "header" || r.how == "json") && r.ran != homeRegion:
			t.Errorf("%s ran in %s", r.id, r.ran)
		case r.status != http.StatusOK && r.status != 0 && r.once() && len(at) > 0 && !r.maybe:
			t.Errorf("%s ran, and its client was told %d %s, without a doubt", r.id, r.status, r.code)
		}
	}
}

// report logs the totals, and checks that the kills were felt.
func (s *slaughter) report(requests []*counted, runs map[string][]execution, took time.Duration) {
	told := make(map[string]int)
	served, maybe, back, twice := 0, 0, 0, 0
	for _, r := range requests {
		told[strings.TrimSpace(fmt.Sprint(r.status, " ", r.code))]++
		switch {
		case r.status == http.StatusOK:
			served++
			if r.how == "fallback" && r.ran != homeRegion {
				back++
			}
		case r.maybe:
			maybe++
		}
		if len(runs[r.id]) > 1 {
			twice++
		}
	}
	s.t.Logf("%d requests in %v, %d kills (%d of a machine with requests under way)", len(requests), took, s.kills.Load(), s.busy.Load())
	for _, what := range slices.Sorted(maps.Keys(told)) {
		s.t.Logf("%6d were told %s", told[what], what)
	}
	s.t.Logf("%6d replays, %d sent again after a failure, %d fell back", s.replay.Load(), s.resends.Load(), back)
	s.t.Logf("%6d may have been carried out, %d reads ran twice", maybe, twice)
	if least := len(requests) / 1000; maybe < least || int(s.busy.Load()) < least {
		s.t.Errorf("only %d requests were under way when their machine was killed: the test proves little", maybe)
	}
	if served < len(requests)/2 {
		s.t.Errorf("only %d of %d were served", served, len(requests))
	}
}
