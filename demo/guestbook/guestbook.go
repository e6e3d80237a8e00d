// Package guestbook is the smallest app worth reading: a page with entries, a
// form, and a counter that writes in a GET. Its handlers are those of an app with
// one database and know nothing of regions; what makes it run in several is
// around it.
package guestbook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxBody   = 64 << 10 // bytes of a request's body
	maxText   = 10_000   // characters of an entry
	maxAuthor = 80
	shown     = 100 // newest entries that are listed
)

// Self is what the app shows of where it runs.
type Self struct{ Region, Machine string }

// Entry is one entry of the book.
type Entry struct {
	ID     int64     `json:"id"`
	Author string    `json:"author"`
	Text   string    `json:"text"`
	Likes  int       `json:"likes"`
	At     time.Time `json:"at"`
}

type book struct {
	db   *sql.DB
	self Self
}

// New returns the app. The tables must be there, see [Migrate].
func New(db *sql.DB, self Self) http.Handler {
	b := &book{db: db, self: self}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", b.page)
	mux.HandleFunc("GET /entries", b.list)
	mux.HandleFunc("POST /entries", b.add)
	mux.HandleFunc("POST /entries/{id}/like", b.like)
	mux.HandleFunc("GET /visits", b.visit)
	// A form on another website must not write here in its visitor's name.
	return http.NewCrossOriginProtection().Handler(mux)
}

// Migrate makes the tables on SQLite, if they are not there. It needs the primary.
func Migrate(ctx context.Context, db *sql.DB) error {
	return migrate(ctx, db, "INTEGER PRIMARY KEY")
}

// MigratePostgres makes the tables on PostgreSQL, if they are not there. It needs
// the primary.
func MigratePostgres(ctx context.Context, db *sql.DB) error {
	return migrate(ctx, db, "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY")
}

// migrate is told how the two say that a row gets the next number. All else that the
// book says both understand.
func migrate(ctx context.Context, db *sql.DB, numbered string) error {
	_, err := db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS entries (
			id     `+numbered+`,
			author TEXT NOT NULL,
			text   TEXT NOT NULL,
			likes  INTEGER NOT NULL DEFAULT 0,
			at     TEXT NOT NULL
		);
		CREATE TABLE IF NOT EXISTS visits (id INTEGER PRIMARY KEY CHECK (id = 1), n INTEGER NOT NULL);
		INSERT INTO visits VALUES (1, 0) ON CONFLICT DO NOTHING;`)
	return err
}

// RemoveBy removes all entries of an author. It needs the primary.
func RemoveBy(ctx context.Context, db *sql.DB, author string) error {
	_, err := db.ExecContext(ctx, `DELETE FROM entries WHERE author = $1`, author)
	return err
}

func (b *book) list(w http.ResponseWriter, r *http.Request) {
	entries, err := b.entries(r.Context())
	if err != nil {
		fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct {
		Region  string  `json:"region"`
		Machine string  `json:"machine"`
		Entries []Entry `json:"entries"`
	}{b.self.Region, b.self.Machine, entries})
}

// entries returns the newest first.
func (b *book) entries(ctx context.Context) ([]Entry, error) {
	rows, err := b.db.QueryContext(ctx, `SELECT id, author, text, likes, at FROM entries ORDER BY id DESC LIMIT $1`, shown)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	entries := []Entry{}
	for rows.Next() {
		e, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

func scan(scan func(...any) error) (Entry, error) {
	var e Entry
	var at string
	if err := scan(&e.ID, &e.Author, &e.Text, &e.Likes, &at); err != nil {
		return Entry{}, err
	}
	var err error
	e.At, err = time.Parse(time.RFC3339Nano, at)
	return e, err
}

func (b *book) add(w http.ResponseWriter, r *http.Request) {
	e, isForm, err := readEntry(w, r)
	if err != nil {
		fail(w, r, err)
		return
	}
	e, err = scan(b.db.QueryRowContext(r.Context(),
		`INSERT INTO entries (author, text, at) VALUES ($1, $2, $3) RETURNING id, author, text, likes, at`,
		e.Author, e.Text, time.Now().UTC().Format(time.RFC3339Nano)).Scan)
	switch {
	case err != nil:
		fail(w, r, err)
	case isForm:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		answer(w, http.StatusCreated, e)
	}
}

func (b *book) like(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		fail(w, r, errNoEntry)
		return
	}
	e, err := scan(b.db.QueryRowContext(r.Context(),
		`UPDATE entries SET likes = likes + 1 WHERE id = $1 RETURNING id, author, text, likes, at`, id).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		fail(w, r, errNoEntry)
	case err != nil:
		fail(w, r, err)
	case isForm(r):
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		answer(w, http.StatusOK, e)
	}
}

// visit counts before it answers: a GET that writes, as many apps have one.
func (b *book) visit(w http.ResponseWriter, r *http.Request) {
	var n int
	err := b.db.QueryRowContext(r.Context(), `UPDATE visits SET n = n + 1 RETURNING n`).Scan(&n)
	if err != nil {
		fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, struct {
		Region  string `json:"region"`
		Machine string `json:"machine"`
		Visits  int    `json:"visits"`
	}{b.self.Region, b.self.Machine, n})
}

// badRequest is an error that is the client's, and safe to show.
type badRequest struct {
	status int
	text   string
}

func (e *badRequest) Error() string { return e.text }

var errNoEntry = &badRequest{http.StatusNotFound, "there is no such entry"}

// readEntry reads an entry from a form or from JSON.
func readEntry(w http.ResponseWriter, r *http.Request) (e Entry, form bool, err error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		err = json.NewDecoder(r.Body).Decode(&e)
		e = Entry{Author: e.Author, Text: e.Text} // the rest is not the client's to say
	case "application/x-www-form-urlencoded", "multipart/form-data":
		form = true
		if kind == "multipart/form-data" {
			err = r.ParseMultipartForm(maxBody)
		} else {
			err = r.ParseForm()
		}
		e = Entry{Author: r.PostFormValue("author"), Text: r.PostFormValue("text")}
	default:
		return e, false, &badRequest{http.StatusUnsupportedMediaType, "send a form, or JSON with author and text"}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return e, form, &badRequest{http.StatusRequestEntityTooLarge, fmt.Sprintf("the entry is larger than %d bytes", large.Limit)}
	}
	if err != nil {
		return e, form, &badRequest{http.StatusBadRequest, "the entry cannot be read: " + err.Error()}
	}
	return e, form, e.check()
}

func isForm(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded" || kind == "multipart/form-data"
}

// check trims the entry and reports what is wrong with it.
func (e *Entry) check() error {
	e.Author, e.Text = strings.TrimSpace(e.Author), strings.TrimSpace(e.Text)
	switch {
	case e.Text == "":
		return &badRequest{http.StatusUnprocessableEntity, "the entry has no text"}
	case !utf8.ValidString(e.Text + e.Author):
		return &badRequest{http.StatusUnprocessableEntity, "the entry is not valid UTF-8"}
	case strings.ContainsRune(e.Text+e.Author, 0):
		return &badRequest{http.StatusUnprocessableEntity, "the entry holds a NUL, which PostgreSQL cannot keep"}
	case utf8.RuneCountInString(e.Text) > maxText:
		return &badRequest{http.StatusUnprocessableEntity, fmt.Sprintf("the text is longer than %d characters", maxText)}
	case utf8.RuneCountInString(e.Author) > maxAuthor:
		return &badRequest{http.StatusUnprocessableEntity, fmt.Sprintf("the name is longer than %d characters", maxAuthor)}
	}
	if e.Author == "" {
		e.Author = "somebody"
	}
	return nil
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone needs no answer
}

func fail(w http.ResponseWriter, r *http.Request, err error) {
	var bad *badRequest
	if errors.As(err, &bad) {
		http.Error(w, bad.text, bad.status)
		return
	}
	// Debug, since a write that a replica refuses fails here too before it goes home.
	slog.DebugContext(r.Context(), "guestbook: the database failed", "path", r.URL.Path, "err", err)
	http.Error(w, "the database failed", http.StatusInternalServerError)
}
