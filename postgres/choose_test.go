package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sea is a network on which servers are as far away as their names say: each try
// has its own time, 0 is refused, and never is a server that does not answer.
type sea struct {
	far map[string][]time.Duration

	mu    sync.Mutex
	tries map[string]int
	open  int
}

const never = time.Hour

func (s *sea) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	s.mu.Lock()
	n := s.tries[host]
	s.tries[host]++
	s.mu.Unlock()
	takes := s.far[host][n%len(s.far[host])]
	if takes == 0 {
		return nil, errors.New("refused")
	}
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	near, _ := net.Pipe()
	return &counted{near, s}, nil
}

type counted struct {
	net.Conn
	sea *sea
}

func (c *counted) Close() error {
	c.sea.mu.Lock()
	defer c.sea.mu.Unlock()
	c.sea.open--
	return c.Conn.Close()
}

func TestTheShortestConnect(t *testing.T) {
	const ms = time.Millisecond
	for _, tt := range []struct {
		behaviour string
		far       [][]time.Duration
		want      int
		took      time.Duration
	}{
		{"the fastest", [][]time.Duration{{90 * ms}, {20 * ms}, {150 * ms}}, 1, 20 * ms},
		{"the best of three counts", [][]time.Duration{{30 * ms}, {90 * ms, 80 * ms, 10 * ms}}, 1, 10 * ms},
		{"equals by order", [][]time.Duration{{20*ms + 900*time.Microsecond}, {20 * ms}}, 0, 20*ms + 900*time.Microsecond},
		{"not quite equals", [][]time.Duration{{22 * ms}, {20 * ms}}, 1, 20 * ms},
		{"one that refuses is none", [][]time.Duration{{0}, {500 * ms}}, 1, 500 * ms},
		{"one that refuses now and then is one", [][]time.Duration{{0, 5 * ms, 0}, {500 * ms}}, 0, 5 * ms},
		{"one that is silent is none", [][]time.Duration{{never}, {500 * ms}}, 1, 500 * ms},
		{"one that is silent at last is one", [][]time.Duration{{10 * ms, never}, {500 * ms}}, 0, 10 * ms},
		{"nobody answers", [][]time.Duration{{0}, {never}}, 0, 0},
		{"nobody answers in time", [][]time.Duration{{3 * time.Second}}, 0, 0},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &sea{far: map[string][]time.Duration{}, tries: map[string]int{}}
				var candidates []*pgxpool.Config
				for i, far := range tt.far {
					host := fmt.Sprintf("10.0.0.%d", i)
					s.far[host] = far
					pool, err := parse("", "postgres://"+host+"/d")
					if err != nil {
						t.Fatal(err)
					}
					candidates = append(candidates, pool)
				}
				way := &pgconn.Config{DialFunc: s.dial, LookupFunc: func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }}
				begun := time.Now()
				n, took := choose(t.Context(), candidates, way)
				if n != tt.want || took != tt.took {
					t.Errorf("number %d after %v, want %d after %v", n, took, tt.want, tt.took)
				}
				if d := time.Since(begun); d > connectLimit {
					t.Errorf("it took %v", d)
				}
				if s.open != 0 {
					t.Errorf("%d connections are left open", s.open)
				}
			})
		})
	}
}

func TestANameThatIsUnknownIsNotChosen(t *testing.T) {
	withoutLibpq(t)
	open := listen(t)
	var candidates []*pgxpool.Config
	for _, at := range []string{"nowhere.example:1", open.Addr().String()} {
		pool, err := parse("", "postgres://"+at+"/d")
		if err != nil {
			t.Fatal(err)
		}
		candidates = append(candidates, pool)
	}
	way := &pgconn.Config{DialFunc: new(net.Dialer).DialContext, LookupFunc: func(_ context.Context, host string) ([]string, error) {
		if host == "nowhere.example" {
			return nil, &net.DNSError{Name: host, IsNotFound: true}
		}
		return []string{host}, nil
	}}
	if n, took := choose(t.Context(), candidates, way); n != 1 || took <= 0 {
		t.Errorf("number %d after %v", n, took)
	}
}
