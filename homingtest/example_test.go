package homingtest_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"homing"
	"homing/decision"
	"homing/homingtest"
)

// migrate is the app's own, which it runs before a release.
func migrate(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE entries (text TEXT NOT NULL)")
	return err
}

// newBook is the app's own, too: what it does with requests, and with which database.
func newBook(db *sql.DB, site *homing.Site) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /entries", func(w http.ResponseWriter, r *http.Request) {
		rows, err := db.QueryContext(r.Context(), "SELECT text FROM entries")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			fmt.Fprintln(w, text)
		}
	})
	mux.HandleFunc("POST /entries", func(w http.ResponseWriter, r *http.Request) {
		if _, err := db.ExecContext(r.Context(), "INSERT INTO entries VALUES ($1)", r.PostFormValue("text")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/entries", http.StatusSeeOther)
	})
	mux.Handle("GET /healthz", site.Health())
	return site.Handler(mux)
}

// newApp makes the app of one machine. It is all that tests of an app need once.
func newApp(m homingtest.Machine) (http.Handler, error) {
	site, err := homing.New(homing.Config{Env: m.Env, Database: m.Database, Logger: m.Logger})
	if err != nil {
		return nil, err
	}
	return newBook(m.SQL, site), nil
}

// TestTheWriterSeesTheirEntry is how a test of an app reads.
func TestTheWriterSeesTheirEntry(t *testing.T) {
	t.Parallel()
	w := homingtest.Start(t, homingtest.World{Regions: "ord gru ams", App: newApp, Prepare: migrate})
	ana, ben := w.Client("gru"), w.Client("gru")

	w.HoldReplication("gru")
	ana.PostForm("/entries", url.Values{"text": {"hello"}})

	// Ana's own write has not arrived in her region, so she reads in the primary's.
	got := ana.Get("/entries")
	if got.Body != "hello\n" {
		t.Errorf("Ana reads %q: %v", got.Body, got.Journey)
	}
	if got.Journey.Region != "ord" || got.Journey.Reason != decision.Stale {
		t.Errorf("Ana's read should have gone home because the replica is behind: %v", got.Journey)
	}

	// Ben has written nothing: he reads next door, and does not see it yet.
	if got := ben.Get("/entries"); got.Body != "" || got.Journey.Region != "gru" {
		t.Errorf("Ben reads %q: %v", got.Body, got.Journey)
	}

	w.ReleaseReplication("gru")
	w.CatchUp()
	for _, c := range []*homingtest.Client{ana, ben} {
		if got := c.Get("/entries"); !strings.Contains(got.Body, "hello") || w.Last().Region != "gru" {
			t.Errorf("everybody reads next door now, not %q: %v", got.Body, w.Last())
		}
	}
}
