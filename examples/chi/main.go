// This program keeps short links, with chi and pgx.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"homing"
	"homing/postgres"
)

type link struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Visits int64  `json:"visits"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	env, err := homing.FromEnv()
	if err != nil {
		return err
	}
	cfg, err := postgres.ParseConfig(env.Env)
	if err != nil {
		return err
	}
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer db.Close()
	site, err := homing.New(homing.Config{Env: env, Database: db})
	if err != nil {
		return err
	}
	r := routes(db.Pool())
	r.Handle("/healthz", site.Health())
	srv := &http.Server{Addr: env.Addr(), Handler: site.Handler(r)}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ended <- srv.Shutdown(grace)
	})
	if err := srv.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}

func routes(db *pgxpool.Pool) chi.Router {
	a := app{db}
	r := chi.NewRouter()
	r.Get("/links", a.list)
	r.Post("/links", a.create)
	r.Get("/links/{id}", a.show)
	r.Delete("/links/{id}", a.remove)
	r.With(homing.Writes).Get("/links/{id}/undo", a.remove) // stands in a mail, so it is a GET
	r.Get("/go/{name}", a.follow)
	r.Get("/lucky", a.lucky)
	return r
}

type app struct{ db *pgxpool.Pool }

func (a app) list(w http.ResponseWriter, r *http.Request) {
	rows, _ := a.db.Query(r.Context(), "SELECT id, name, url, visits FROM links ORDER BY id")
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[link])
	answer(w, http.StatusOK, all, err)
}

func (a app) create(w http.ResponseWriter, r *http.Request) {
	rows, _ := a.db.Query(r.Context(), "INSERT INTO links (name, url) VALUES ($1, $2) RETURNING id, name, url, visits",
		r.PostFormValue("name"), r.PostFormValue("url"))
	one, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[link])
	answer(w, http.StatusCreated, one, err)
}

func (a app) show(w http.ResponseWriter, r *http.Request) {
	rows, _ := a.db.Query(r.Context(), "SELECT id, name, url, visits FROM links WHERE id = $1", id(r))
	one, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[link])
	answer(w, http.StatusOK, one, err)
}

func (a app) remove(w http.ResponseWriter, r *http.Request) {
	_, err := a.db.Exec(r.Context(), "DELETE FROM links WHERE id = $1", id(r))
	answer(w, http.StatusOK, "gone", err)
}

// follow leads on and counts the visit: a GET that writes. If that fails, the visitor
// gets there all the same.
func (a app) follow(w http.ResponseWriter, r *http.Request) {
	var url string
	err := a.db.QueryRow(r.Context(), "SELECT url FROM links WHERE name = $1", chi.URLParam(r, "name")).Scan(&url)
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	if _, err := a.db.Exec(r.Context(), "UPDATE links SET visits = visits + 1 WHERE name = $1", chi.URLParam(r, "name")); err != nil {
		slog.Warn("a visit was not counted", "err", err)
	}
	http.Redirect(w, r, url, http.StatusFound)
}

// lucky leads to what was visited least, and counts that.
func (a app) lucky(w http.ResponseWriter, r *http.Request) {
	var l link
	err := pgx.BeginFunc(r.Context(), a.db, func(tx pgx.Tx) error {
		err := tx.QueryRow(r.Context(), "SELECT id, url FROM links ORDER BY visits, id LIMIT 1").Scan(&l.ID, &l.URL)
		if err != nil {
			return err
		}
		_, err = tx.Exec(r.Context(), "UPDATE links SET visits = visits + 1 WHERE id = $1", l.ID)
		return err
	})
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	http.Redirect(w, r, l.URL, http.StatusFound)
}

// id is 0, which no link has, where the path has no number.
func id(r *http.Request) int64 {
	n, _ := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	return n
}

func answer(w http.ResponseWriter, status int, v any, err error) {
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		http.Error(w, "no such link", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v) //nolint:errcheck // its client has gone
	}
}
