package claim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"homing/region"
)

// user is somebody in one region, with a browser for each strategy that keeps its
// cookies, and with a neighbour who only reads.
type user struct {
	bench     *bench
	region    region.Code
	queries   int
	browsers  map[Strategy]*http.Client
	neighbour *http.Client
	last      int64 // what was written last, by whatever strategy
}

func (b *bench) newUser(r region.Code, queries int) (*user, error) {
	u := &user{bench: b, region: r, queries: queries, browsers: make(map[Strategy]*http.Client), neighbour: b.world.Client(r)}
	for _, s := range Strategies() {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return nil, err
		}
		u.browsers[s] = b.world.Client(r)
		u.browsers[s].Jar = jar
	}
	return u, nil
}

func (u *user) leave() {
	u.neighbour.CloseIdleConnections()
	for _, c := range u.browsers {
		c.CloseIdleConnections()
	}
}

// warmUp opens the connections between edges and machines, as many as users may want at
// once, by requests that all cross at the same time.
func (b *bench) warmUp(ctx context.Context, r region.Code) error {
	return together(ctx, slices.Repeat([]int{b.cfg.Queries[0]}, b.cfg.Users), func(ctx context.Context, k int) error {
		u, err := b.newUser(r, k)
		if err != nil {
			return err
		}
		defer u.leave()
		for _, s := range Strategies() {
			for _, w := range []What{warmWrite, warmRead} {
				if _, _, err := u.ask(ctx, u.browsers[s], s, w); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// users lets as many do their work at once as Config says. Those with the most queries
// begin, since they take the longest.
func (b *bench) users(ctx context.Context, r region.Code) error {
	work := make(chan int, len(b.cfg.Queries))
	for _, k := range slices.Backward(b.cfg.Queries) {
		work <- k
	}
	close(work)
	return together(ctx, make([]int, b.cfg.Users), func(ctx context.Context, _ int) error {
		for k := range work {
			if err := b.userOf(ctx, r, k); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) userOf(ctx context.Context, r region.Code, k int) error {
	u, err := b.newUser(r, k)
	if err != nil {
		return err
	}
	defer u.leave()
	for _, client := range []*http.Client{u.browsers[Single], u.neighbour} {
		if _, _, err := u.ask(ctx, client, Single, warmRead); err != nil { // opens what crosses
			return err
		}
	}
	for round := range b.cfg.Rounds {
		for i := range Strategies() {
			// Each begins a round in its turn.
			if err := u.turn(ctx, Strategies()[(round+i)%len(Strategies())]); err != nil {
				return err
			}
		}
		b.advance(r, k)
	}
	return nil
}

// turn writes, looks for that at once, and lets the neighbour read.
func (u *user) turn(ctx context.Context, s Strategy) error {
	u.last++
	for _, w := range whats {
		client := u.browsers[s]
		if w == Read {
			client = u.neighbour
		}
		answer, took, err := u.ask(ctx, client, s, w)
		if err != nil {
			return err
		}
		if n := len(strings.Fields(answer)); w != Write && n != u.queries {
			return fmt.Errorf("claim: %s %s from %s: %d answers of %d", s, w, u.region, n, u.queries)
		}
		seen := w != Own || answer == strings.TrimSpace(strings.Repeat(strconv.FormatInt(u.last, 10)+" ", u.queries))
		u.bench.note(place{u.region, w, s, u.queries}, took, seen)
	}
	return nil
}

// ask makes one request, and returns how long it took to the last byte.
func (u *user) ask(ctx context.Context, client *http.Client, s Strategy, w What) (string, time.Duration, error) {
	method, k := http.MethodGet, u.queries
	if w.writes() {
		method = http.MethodPost
	}
	if w == warmWrite {
		k = 1 // a transaction would make the others wait
	}
	query := url.Values{"owner": {owner(u.region, s, u.queries)}, "k": {strconv.Itoa(k)}, "n": {strconv.FormatInt(u.last, 10)}}
	edge := u.region
	if s == Single {
		edge = u.bench.cfg.Primary
	}
	at := "http://" + u.bench.world.EdgeAddr(edge) + place{u.region, w, s, u.queries}.path() + "?" + query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at, nil)
	if err != nil {
		return "", 0, err
	}
	begun := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return "", 0, err
	}
	answer, err := io.ReadAll(resp.Body)
	took := time.Since(begun)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return "", 0, err
	}
	if resp.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("claim: %s %s from %s: %s: %s", s, w, u.region, resp.Status, strings.TrimSpace(string(answer)))
	}
	return string(answer), took, nil
}

func (b *bench) note(at place, took time.Duration, seen bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.cells[at]
	if !ok {
		c = new(Cell)
		b.cells[at] = c
	}
	c.Times.AddMilliseconds(took)
	if !seen {
		c.Missing++
	}
}

// advance says how much is done when a round has ended.
func (b *bench) advance(r region.Code, k int) {
	var all time.Duration
	for _, r := range b.cfg.Regions {
		for _, k := range b.cfg.Queries {
			all += b.cfg.cost(r, k)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += float64(b.cfg.cost(r, k)) / float64(all) / float64(b.cfg.Rounds)
	b.cfg.Progress(min(b.done, 1))
}
