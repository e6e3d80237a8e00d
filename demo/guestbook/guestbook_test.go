package guestbook_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/demo/guestbook"
	"homing/machine"
	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/replay"
	"homing/sqlite"
)

// open returns the app on a SQLite database of its own, with no regions around it.
func open(t *testing.T) http.Handler {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{
		Path: filepath.Join(t.TempDir(), "book.db"), Role: machine.Primary, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return newBook(t, db.SQL(), guestbook.Migrate)
}

// openPostgres returns the app on a PostgreSQL database of its own.
func openPostgres(t *testing.T) http.Handler {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(pgtest.Start(t, pgtest.Config{}).Primary().URL())
	if err != nil {
		t.Fatal(err)
	}
	db, err := postgres.Open(t.Context(), &postgres.Config{Pool: cfg})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return newBook(t, db.SQL(), guestbook.MigratePostgres)
}

func newBook(t *testing.T, db *sql.DB, migrate func(context.Context, *sql.DB) error) http.Handler {
	t.Helper()
	for range 2 { // twice is once
		if err := migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
	}
	return guestbook.New(db, guestbook.Self{Region: "ord", Machine: "m1"})
}

// eachDatabase runs a test on both.
func eachDatabase(t *testing.T, test func(*testing.T, http.Handler)) {
	for name, open := range map[string]func(*testing.T) http.Handler{"sqlite": open, "postgres": openPostgres} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func ask(app http.Handler, method, path, kind, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w
}

const (
	form  = "application/x-www-form-urlencoded"
	jsons = "application/json"
)

func TestWritingAndReading(t *testing.T) { eachDatabase(t, testWritingAndReading) }

func testWritingAndReading(t *testing.T, app http.Handler) {
	w := ask(app, "POST", "/entries", jsons, `{"author":" Ana ","text":"hello","likes":99,"id":7}`)
	var e guestbook.Entry
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != http.StatusCreated {
		t.Fatalf("status %d, %v: %s", w.Code, err, w.Body)
	}
	if e.Author != "Ana" || e.Text != "hello" || e.Likes != 0 || e.ID != 1 || e.At.IsZero() {
		t.Errorf("the entry is %+v", e)
	}
	w = ask(app, "POST", "/entries", form, url.Values{"text": {"second"}}.Encode())
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
		t.Errorf("a form was answered %d to %q", w.Code, w.Header().Get("Location"))
	}
	var list struct {
		Region, Machine string
		Entries         []guestbook.Entry
	}
	if err := json.Unmarshal(ask(app, "GET", "/entries", "", "").Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if list.Region != "ord" || list.Machine != "m1" || len(list.Entries) != 2 || list.Entries[0].Text != "second" || list.Entries[0].Author != "somebody" {
		t.Errorf("the list is %+v; want the newest first, and somebody for nobody", list)
	}
}

func TestLiking(t *testing.T) { eachDatabase(t, testLiking) }

func testLiking(t *testing.T, app http.Handler) {
	ask(app, "POST", "/entries", jsons, `{"text":"x"}`)
	if w := ask(app, "POST", "/entries/1/like", form, ""); w.Code != http.StatusSeeOther {
		t.Errorf("the page's button was answered %d", w.Code)
	}
	w := ask(app, "POST", "/entries/1/like", "", "")
	if !strings.Contains(w.Body.String(), `"likes":2`) {
		t.Errorf("after two likes: %s", w.Body)
	}
	for _, id := range []string{"one", "3", "99999999999999999999"} {
		if w := ask(app, "POST", "/entries/"+id+"/like", "", ""); w.Code != http.StatusNotFound {
			t.Errorf("an entry %s that is not there was answered %d", id, w.Code)
		}
	}
}

func TestVisitsAreCounted(t *testing.T) { eachDatabase(t, testVisitsAreCounted) }

func testVisitsAreCounted(t *testing.T, app http.Handler) {
	ask(app, "GET", "/visits", "", "")
	if w := ask(app, "GET", "/visits", "", ""); !strings.Contains(w.Body.String(), `"visits":2`) {
		t.Errorf("the second visit: %s", w.Body)
	}
}

func TestThePageShowsTextAsText(t *testing.T) {
	app := open(t)
	ask(app, "POST", "/entries", jsons, `{"author":"<b>x</b>","text":"<script>alert(1)</script>"}`)
	page := ask(app, "GET", "/", "", "").Body.String()
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "<b>x</b>") || !strings.Contains(page, "&lt;script&gt;") {
		t.Errorf("the page holds what somebody wrote as it is:\n%s", page)
	}
}

func TestThePageSaysHowTheRequestCame(t *testing.T) {
	app := open(t)
	for name, tc := range map[string]struct {
		header http.Header
		want   string
	}{
		"alone":             {nil, "with nothing in front"},
		"through an edge":   {http.Header{replay.RegionHeader: {"gru"}}, "straight from the edge in gru"},
		"after a replay":    {http.Header{replay.RegionHeader: {"gru"}, replay.SourceHeader: {"instance=m2;region=gru;t=1;state=stale"}}, "by way of gru, which sent it on: what this client wrote"},
		"with a mad header": {http.Header{replay.SourceHeader: {"<script>"}}, "with nothing in front"},
	} {
		page := ask(app, "GET", "/", "", "", func(r *http.Request) {
			for k, v := range tc.header {
				r.Header[k] = v
			}
		}).Body.String()
		if !strings.Contains(page, tc.want) {
			t.Errorf("%s: the page does not say %q", name, tc.want)
		}
	}
}

func TestAnotherWebsiteCannotWrite(t *testing.T) {
	app := open(t)
	w := ask(app, "POST", "/entries", form, "text=x", func(r *http.Request) {
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
	})
	if w.Code != http.StatusForbidden {
		t.Errorf("its form was answered %d", w.Code)
	}
}

func TestWhatCannotBeReadSaysWhy(t *testing.T) { eachDatabase(t, testWhatCannotBeReadSaysWhy) }

func testWhatCannotBeReadSaysWhy(t *testing.T, app http.Handler) {
	for name, tc := range map[string]struct {
		kind, body string
		want       int
		says       string
	}{
		"no text":              {form, "author=x", 422, "no text"},
		"blanks for text":      {form, "text=+++", 422, "no text"},
		"bytes that are none":  {form, "text=%ff", 422, "UTF-8"},
		"a long name":          {jsons, `{"text":"x","author":"` + strings.Repeat("n", 81) + `"}`, 422, "80"},
		"a long text":          {jsons, `{"text":"` + strings.Repeat("n", 10_001) + `"}`, 422, "10000"},
		"a character of none":  {jsons, `{"text":"\u0000"}`, 422, "NUL"},
		"half a form":          {form, "text=%", 400, "cannot be read"},
		"half of JSON":         {jsons, `{"text":`, 400, "cannot be read"},
		"more than is allowed": {jsons, `{"text":"` + strings.Repeat("n", 70_000) + `"}`, 413, "65536"},
		"another kind":         {"text/plain", "hello", 415, "send a form"},
		"a kind that is none":  {";;;", "hello", 415, "send a form"},
	} {
		if w := ask(app, "POST", "/entries", tc.kind, tc.body); w.Code != tc.want || !strings.Contains(w.Body.String(), tc.says) {
			t.Errorf("%s: %d %s; want %d and %q", name, w.Code, w.Body, tc.want, tc.says)
		}
	}
	if list, _ := io.ReadAll(ask(app, "GET", "/entries", "", "").Body); !strings.Contains(string(list), `"entries":[]`) {
		t.Errorf("something was written all the same: %s", list)
	}
}
