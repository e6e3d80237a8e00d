package homingtest_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"homing/homingtest"
)

func TestWhatCannotStartSaysWhyInOneLine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*homingtest.World)
		want   string
	}{
		{"no regions", func(w *homingtest.World) { w.Regions = " " }, `World.Regions names none; give some, as in "ord gru ams"`},
		{"what is no code", func(w *homingtest.World) { w.Regions = "ord,gru" }, `"ord,gru"`},
		{"a region twice", func(w *homingtest.World) { w.Regions = "ord ord" }, `region "ord" is given twice`},
		{"a group", func(w *homingtest.World) { w.Regions = "ord eu" }, "group of regions"},
		{"several mistakes", func(w *homingtest.World) { w.Regions, w.Primary = "ord ord", "gru" }, "twice; the primary"},
		{"a primary elsewhere", func(w *homingtest.World) { w.Primary = "ams" }, `the primary "ams" is not among the regions`},
		{"a database that is not there", func(w *homingtest.World) { w.Database = "oracle" }, `no engine "oracle"`},
		{"no app", func(w *homingtest.World) { w.App = nil }, "World.App is missing"},
		{"an app that fails", func(w *homingtest.World) {
			w.App = func(homingtest.Machine) (http.Handler, error) { return nil, errors.New("no such luck") }
		}, "start the app in ord: no such luck"},
		{"an app without a handler", func(w *homingtest.World) {
			w.App = func(homingtest.Machine) (http.Handler, error) { return nil, nil }
		}, "World.App returned no handler"},
		{"tables that cannot be made", func(w *homingtest.World) {
			w.Prepare = func(context.Context, *sql.DB) error { return errors.New("no such luck") }
		}, "prepare the database in ord: no such luck"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			world := homingtest.World{Regions: "ord gru", App: newApp, Prepare: migrate}
			tt.change(&world)
			got := attend(t, func(t testing.TB) {
				homingtest.Start(t, world)
				t.Logf("it started")
			}).text()
			if !strings.HasPrefix(got, "homingtest: start the world: ") || !strings.Contains(got, tt.want) || strings.Contains(got, "\n") {
				t.Errorf("it said %q; want a line with %q", got, tt.want)
			}
		})
	}
}

func TestWhatCannotBeDoneSaysWhyInOneLine(t *testing.T) {
	t.Parallel()
	w := homingtest.Start(t, homingtest.World{Regions: "ord gru ams", App: newApp, Prepare: migrate})
	w.StopMachine("ams")
	for _, tt := range []struct {
		name string
		do   func(*homingtest.World)
		want string
	}{
		{"promote a file", func(w *homingtest.World) { w.Promote("gru") }, "promote the database in gru: the primary of SQLite cannot move; set World.Database to homingtest.Postgres"},
		{"hold the primary back", func(w *homingtest.World) { w.HoldReplication("ord") }, "hold replication to ord back: ord has the primary; nothing is replicated to it"},
		{"a region that is not there", func(w *homingtest.World) { w.StopMachine("syd") }, `stop the machine in syd: there is no region "syd"; there are ord gru ams`},
		{"a client nowhere", func(w *homingtest.World) { w.Client("syd") }, `make a client: there is no region "syd"; there are ord gru ams`},
		{"the database of a stopped machine", func(w *homingtest.World) { w.SQL("ams") }, "open the database in ams: the machine in ams is stopped"},
		{"no last journey", func(w *homingtest.World) { w.Last() }, "there is no last journey: no client has asked for anything"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := attend(t, func(t testing.TB) { tt.do(w.For(t)) })
			if text := got.text(); !got.Failed() || text != "homingtest: "+tt.want {
				t.Errorf("it said %q; want %q", text, tt.want)
			}
		})
	}
	w.StopMachine("ord")
	got := attend(t, func(t testing.TB) { w.For(t).CatchUp() })
	if text := got.text(); text != "homingtest: catch up: the machine in ord is stopped" {
		t.Errorf("without a primary it said %q", text)
	}
}

func TestAnAnswerThatBreaksOffFailsTheTest(t *testing.T) {
	t.Parallel()
	w := homingtest.Start(t, homingtest.World{Regions: "ord", App: handling(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Write([]byte("half of it"))
		http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	})})
	if resp, err := w.Client("ord").Do(request(t, "GET", "/half")); err == nil {
		t.Errorf("half an answer was returned for a whole one: %+v", resp)
	}
	got := attend(t, func(t testing.TB) {
		if resp := w.For(t).Client("ord").Get("/half"); resp.Status != 0 || resp.Body != "" {
			t.Logf("it returned %+v", resp)
		}
	})
	if text := got.text(); !got.Failed() || !strings.HasPrefix(text, "homingtest: GET /half in ord: ") || strings.Contains(text, "\n") {
		t.Errorf("it said %q", text)
	}
}

func TestATestThatFailedShowsTheLastRequests(t *testing.T) {
	t.Parallel()
	for _, fails := range []bool{true, false} {
		got := attend(t, func(t testing.TB) {
			w := homingtest.Start(t, homingtest.World{Regions: "ord", App: newApp, Prepare: migrate})
			w.Client("ord").Get("/entries")
			if fails {
				t.Errorf("as it happens")
			}
		})
		got.end()
		const want = "homingtest: the last 1 of 1 requests:\n  GET /entries at ord: ord answered (the primary is here), status 200"
		if text := got.text(); strings.Contains(text, want) != fails {
			t.Errorf("a test that fails (%v) said %q", fails, text)
		}
	}
}

// TestNothingIsSaidToATestThatHasEnded: the testing package panics then.
func TestNothingIsSaidToATestThatHasEnded(t *testing.T) {
	t.Parallel()
	var logger *slog.Logger
	var client *homingtest.Client
	got := attend(t, func(t testing.TB) {
		w := homingtest.Start(t, homingtest.World{Regions: "ord", App: func(m homingtest.Machine) (http.Handler, error) {
			logger = m.Logger
			return newApp(m)
		}, Prepare: migrate})
		client = w.Client("ord")
		logger.Info("while it runs")
	})
	got.end()
	logger.Info("a goroutine that goes on")
	if got := client.Get("/entries"); got.Status != 0 {
		t.Errorf("a world that has ended answered %d", got.Status)
	}
	if log := got.log.String(); !strings.Contains(log, "while it runs") || strings.Contains(log, "goes on") || got.text() != "" {
		t.Errorf("the test was told %q, and has in its log:\n%s", got.text(), log)
	}
}

func TestATestMayHaveAnyName(t *testing.T) {
	t.Parallel()
	t.Run("50% of what #1 may be named?", func(t *testing.T) { reads(t, start(t), "gru", "") })
}
