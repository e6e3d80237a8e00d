package dev_test

import (
	"log/slog"
	"net/http"
	"testing"

	"homing/demo/guestbook"
	"homing/dev"
	"homing/journey"
	"homing/region"
)

// TestAnAppStartsWithItsTables: many prepare their statements as they start.
func TestAnAppStartsWithItsTables(t *testing.T) {
	w, err := dev.Start(t.Context(), dev.Config{
		Regions: []region.Code{"gru", "ord"}, Primary: "ord", Dir: t.TempDir(), Prepare: guestbook.Migrate,
		Logger: slog.New(slog.DiscardHandler),
		App: func(getenv func(string) string, db dev.Database) (http.Handler, error) {
			_, err := db.SQL().Exec("SELECT count(*) FROM entries")
			return http.NotFoundHandler(), err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	turn(t, w.Close())
}

func TestWhoIsHeldBackIsNotWaitedFor(t *testing.T) {
	w := startWorld(t, nil)
	turn(t, w.Hold("gru", true))
	newVisitor(t, w, "ord").write("for the others")
	turn(t, w.CatchUp(t.Context()))
	for r, want := range map[region.Code]int{"gru": 0, "ams": 1} {
		if l := newVisitor(t, w, r).list(); l.Region != r || l.has("for the others") != want {
			t.Errorf("%d from %s; want %d from %s", l.has("for the others"), l.Region, want, r)
		}
	}
}

func TestEachRequestIsTold(t *testing.T) {
	told := make(chan *journey.Record, 10)
	w, err := dev.Start(t.Context(), dev.Config{
		Regions: []region.Code{"ord"}, Primary: "ord", Dir: t.TempDir(), Prepare: guestbook.Migrate,
		App: newBook, Record: func(r *journey.Record) { told <- r }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { turn(t, w.Close()) })
	id := newVisitor(t, w, "ord").write("tell")
	if r := <-told; r.ID != id {
		t.Errorf("told of %s; want %s", r.ID, id)
	}
}
