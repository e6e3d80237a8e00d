package postgres

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/machine"
)

// primaries answers as it is told, and counts how often it was asked.
type primaries struct {
	system string
	err    error
	asked  int
}

func (p *primaries) ask(context.Context) (facts, error) {
	p.asked++
	return facts{SystemID: p.system}, p.err
}

// TestAForeignDatabaseIsSaidOnce, and at each look it is out of use.
func TestAForeignDatabaseIsSaidOnce(t *testing.T) {
	var log strings.Builder
	w := &watch{
		db:  &DB{cfg: Config{Region: "gru", PrimaryRegion: "ord"}, log: slog.New(slog.NewTextHandler(&log, nil))},
		kin: &kin{ask: new(primaries).ask, asked: time.Now(), last: testimony{system: "us", primary: facts{SystemID: "them"}}},
	}
	for range 3 {
		l := look{role: machine.Replica, system: "us", version: leastVersion}
		w.suspect(&l)
		if l.role != machine.None || l.problem == "" {
			t.Errorf("%+v", l)
		}
	}
	if n := strings.Count(log.String(), "another cluster"); n != 1 {
		t.Errorf("said %d times: %s", n, &log)
	}
}

// TestThePrimaryIsAskedSeldom: each step looks for a while, once a second, at a
// database here of some cluster.
func TestThePrimaryIsAskedSeldom(t *testing.T) {
	type step struct {
		why          string
		here, there  string
		err          error
		looks, asked int    // how many; how often the primary was asked by then
		says         string // the primary's cluster; empty: nothing is known
	}
	away := errors.New("away")
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"one cluster", []step{
			{"it is asked once", "us", "us", nil, 100, 1, "us"},
			{"and no more, whatever it has become", "us", "them", nil, 100, 1, "us"},
			{"until the database here is another", "them", "them", nil, 100, 2, "them"},
		}},
		{"a primary that is away", []step{
			{"it is asked again", "us", "us", away, 61, 3, ""},
			{"and then no more", "us", "us", nil, 100, 4, "us"},
		}},
		{"another cluster", []step{
			{"it is asked again", "us", "them", nil, 61, 3, "them"},
			{"while it is away, it is what it was", "us", "", away, 30, 4, "them"},
			{"it may lead elsewhere", "us", "us", nil, 100, 5, "us"},
		}},
		{"another cluster, here", []step{
			{"it is found", "us", "them", nil, 10, 1, "them"},
			{"what was said was not said of the new one", "they", "them", nil, 5, 1, ""},
			{"it is asked", "they", "they", nil, 30, 2, "they"},
		}},
		{"another cluster, here, while it is asked", []step{
			{"it is asked", "us", "them", nil, 1, 1, ""},
			{"what it said was not said of the new one", "they", "them", nil, 5, 1, ""},
		}},
		{"a primary that does not tell", []step{{"it is asked once", "us", "", nil, 100, 1, ""}}},
		{"a database here that does not tell", []step{{"it is not asked", "", "us", nil, 100, 0, ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &primaries{}
				k := &kin{life: t.Context(), ask: p.ask, came: func() {}, answers: make(chan testimony, 1)}
				for _, s := range tt.steps {
					p.system, p.err = s.there, s.err
					var found string
					for range s.looks {
						found = ""
						if f := k.primary(s.here); f != nil {
							found = f.SystemID
						}
						synctest.Wait()
						time.Sleep(time.Second)
					}
					if p.asked != s.asked || found != s.says {
						t.Errorf("%s: asked %d times, and it is %q; want %d, %q", s.why, p.asked, found, s.asked, s.says)
					}
				}
			})
		})
	}
}
