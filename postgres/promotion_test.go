package postgres_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/region"
)

// countedApp is rowsApp whose writes count how often they ran.
func countedApp(db *postgres.DB) http.Handler {
	app := http.NewServeMux()
	app.Handle("/", rowsApp(db))
	app.HandleFunc("POST /rows/{id}", func(rw http.ResponseWriter, r *http.Request) {
		_, err := db.Pool().Exec(r.Context(),
			"insert into rows (id, n) values ($1, 1) on conflict (id) do update set n = rows.n + 1", r.PathValue("id"))
		if err != nil {
			http.Error(rw, err.Error(), http.StatusInternalServerError)
		}
	})
	return app
}

// TestAPromotionUnderLoad kills the primary in ord under writes from three regions and
// promotes the replica in ams. The apps follow without a restart.
func TestAPromotionUnderLoad(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg         pgtest.Config
		synchronous bool
	}{
		"commits wait for the standby":                    {pgtest.Config{}, true},
		"commits wait for the standby, through PgBouncer": {pgtest.Config{PgBouncer: true}, true},
		"commits wait for nobody":                         {pgtest.Config{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newRegions(t, tc.cfg, countedApp, "HOMING_WAIT=50ms")
			ord, gru, ams := w.at["ord"].server, w.at["gru"].server, w.at["ams"].server
			if tc.synchronous {
				if err := w.cluster.Synchronous(t.Context(), ams); err != nil {
					t.Fatal(err)
				}
			}
			l := &load{regions: w}
			stop := l.run()
			l.until(300)
			gru.HoldStream() // first, or it might know more than the next primary
			l.until(l.acknowledged() + 30)
			if !tc.synchronous {
				ams.HoldStream() // what comes now will be lost
				l.until(l.acknowledged() + 100)
			}
			must(t, ord.Stop(t.Context(), pgtest.Kill))
			must(t, ams.Promote(t.Context()))
			ams.ReleaseStream()
			must(t, gru.Follow(t.Context(), ams)) // what was held back would take it past ams
			gru.ReleaseStream()
			if tc.synchronous {
				must(t, w.cluster.Synchronous(t.Context()))
			}
			eventually(t, "the primary is known to be in ams", func() bool { return w.fleet.Snapshot().Primary("web").Region == "ams" })
			l.until(l.acknowledged() + 200)
			l.ended(l.next.Load())          // what waits in PgBouncer would get to the old primary
			must(t, ord.Start(t.Context())) // it believes that it is the primary still
			l.until(l.acknowledged() + 200)
			stop()
			l.check(ams, ord, tc.synchronous)
		})
	}
}

// load is clients in all regions that write, one row after the other, and read what
// they wrote.
type load struct {
	*regions
	next atomic.Int64

	mu     sync.Mutex
	acked  map[string]string // id to token
	failed map[string]reply
}

func (l *load) run() (stop func()) {
	l.acked, l.failed = map[string]string{}, map[string]reply{}
	ctx, cancel := context.WithCancel(l.t.Context())
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			for ctx.Err() == nil {
				l.write(codes[i%len(codes)])
			}
		})
	}
	return func() { cancel(); wait.Wait() }
}

func (l *load) write(at region.Code) {
	id := fmt.Sprint(l.next.Add(1))
	a, err := l.do(at, "POST", "/rows/"+id, "")
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.t.Errorf("write %s in %s: %v", id, at, err)
	case a.status == 200:
		l.acked[id] = a.token()
	default:
		l.failed[id] = a
	}
}

func (l *load) acknowledged() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// until waits for so many writes.
func (l *load) until(n int) {
	l.t.Helper()
	for patience := time.Now().Add(30 * time.Second); l.acknowledged() < n; <-time.After(time.Millisecond) {
		if time.Now().After(patience) {
			l.t.Fatalf("only %d of %d writes were acknowledged", l.acknowledged(), n)
		}
	}
}

// ended waits until the writes up to n have been answered.
func (l *load) ended(n int64) {
	l.t.Helper()
	eventually(l.t, "earlier writes have ended", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		for id := range n {
			_, acked := l.acked[fmt.Sprint(id+1)]
			_, failed := l.failed[fmt.Sprint(id+1)]
			if !acked && !failed {
				return false
			}
		}
		return true
	})
}

// check holds what clients were told against what the new primary has.
func (l *load) check(now, old *pgtest.Server, kept bool) {
	rows := l.rows(now)
	lost := 0
	for id, token := range l.acked {
		if n := rows[id]; n > 1 {
			l.t.Errorf("write %s ran %d times", id, n)
		} else if n == 0 {
			lost++
			l.mustBeGone(id, token)
		}
	}
	for id, a := range l.failed {
		if rows[id] > 1 {
			l.t.Errorf("write %s ran %d times", id, rows[id])
		}
		maybe := a.header.Get("Homing-Outcome") == "unknown" || strings.Contains(a.body, "may have been carried out")
		again := a.header.Get("Retry-After") != "" || strings.Contains(a.body, "was not sent")
		if !maybe && !again {
			l.t.Errorf("write %s failed, and its client does not know whether it may try again: %v %v", id, a, a.header)
		}
		if again && !maybe && rows[id] > 0 {
			l.t.Errorf("write %s was carried out, and its client told to try again: %v", id, a)
		}
	}
	l.t.Logf("%d acknowledged, %d of them lost; %d failed", len(l.acked), lost, len(l.failed))
	if kept && lost > 0 {
		l.t.Errorf("%d acknowledged writes are missing", lost)
	}
	if !kept && lost == 0 {
		l.t.Error("nothing was lost: the test proves nothing about what is")
	}
	for id := range l.rows(old) {
		if _, acked := l.acked[id]; acked && rows[id] == 0 && kept {
			l.t.Errorf("write %s is on the old primary alone", id)
		}
	}
}

// mustBeGone checks that nobody is shown a lost row, in any region, with its token or
// without.
func (l *load) mustBeGone(id, token string) {
	for _, at := range codes {
		for _, carried := range []string{"", token} {
			if a, err := l.do(at, "GET", "/rows/"+id, carried); err != nil || a.status == 200 && a.body != "0" {
				l.t.Errorf("lost row %s in %s: %v, %v", id, at, a, err)
			}
		}
	}
}

// rows returns how often each write ran, as a server has it.
func (l *load) rows(s *pgtest.Server) map[string]int {
	conn, err := pgx.Connect(l.t.Context(), s.DirectURL())
	must(l.t, err)
	defer conn.Close(context.Background())
	found, err := conn.Query(l.t.Context(), "select id, n from rows")
	must(l.t, err)
	all := map[string]int{}
	for found.Next() {
		var id string
		var n int
		must(l.t, found.Scan(&id, &n))
		all[id] = n
	}
	must(l.t, found.Err())
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
