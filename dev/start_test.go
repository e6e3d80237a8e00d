package dev_test

import (
	"log/slog"
	"net/http"
	"testing"

	"homing/demo/guestbook"
	"homing/dev"
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
