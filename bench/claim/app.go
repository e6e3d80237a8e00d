package claim

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing"
	"homing/dev"
	"homing/postgres"
	"homing/region"
)

// What the app says to its database. Each owner has as many rows as a request may make
// queries.
const (
	schema = `CREATE TABLE numbers (owner text, i int, n bigint NOT NULL DEFAULT 0, PRIMARY KEY (owner, i))`
	rows   = `INSERT INTO numbers (owner, i) SELECT $1, i FROM generate_series(1, $2::int) i`
	get    = `SELECT n FROM numbers WHERE owner = $1 AND i = $2`
	set    = `UPDATE numbers SET n = $3 WHERE owner = $1 AND i = $2`
)

// prepare makes the rows of all who will write.
func (b *bench) prepare(ctx context.Context, db *sql.DB) error {
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	for _, r := range b.cfg.Regions {
		for _, s := range Strategies() {
			for _, k := range b.cfg.Queries {
				if _, err := db.ExecContext(ctx, rows, owner(r, s, k), k); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// owner names the rows of one user.
func owner(r region.Code, s Strategy, k int) string { return fmt.Sprintf("%s-%s-%d", r, s, k) }

// app is the app of one region, by one strategy.
type app struct {
	strategy Strategy
	here     *pgxpool.Pool // to the server beside the app
	primary  func() *pgxpool.Pool
}

// newApp is what runs in each region: the same app by each strategy, below a path of its
// own. Two of them are behind the handler of package homing.
func (b *bench) newApp(getenv func(string) string, db dev.Database) (http.Handler, error) {
	env, err := homing.FromLookup(getenv)
	if err != nil {
		return nil, err
	}
	opened, ok := db.Opened().(*postgres.DB)
	if !ok {
		return nil, errors.New("claim: the database is not PostgreSQL")
	}
	mux := http.NewServeMux()
	for _, s := range Strategies() {
		a := &app{s, opened.Pool(), func() *pgxpool.Pool { return b.pools[env.Region] }}
		if !s.isHomings() {
			mux.Handle("/"+string(s)+"/", a)
			continue
		}
		cfg := homing.Config{Env: env, Database: db, Window: b.cfg.Window, Logger: b.cfg.Logger}
		if s == Window {
			cfg.Consistency = homing.Window
		}
		site, err := homing.New(cfg)
		if err != nil {
			return nil, err
		}
		mux.Handle("/"+string(s)+"/", site.Handler(a))
		if s == Replay {
			mux.Handle("/", site.Handler(http.NotFoundHandler())) // answers the edges' questions
		}
	}
	return mux, nil
}

// ServeHTTP carries out one request: as many queries as it says, one after the other.
func (a *app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := placeOf(r.URL.Path)
	k, err := strconv.Atoi(r.FormValue("k"))
	n, errN := strconv.ParseInt(r.FormValue("n"), 10, 64)
	if err = errors.Join(err, errN); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, pool := crossing(r.Context(), at), a.pool(at.what)
	var answer string
	if r.Method == http.MethodPost {
		err = a.write(ctx, pool, r.FormValue("owner"), k, n)
	} else {
		answer, err = a.read(ctx, pool, r.FormValue("owner"), k)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprint(w, answer)
}

// pool is where the queries go.
func (a *app) pool(what What) *pgxpool.Pool {
	if a.strategy == Remote || a.strategy == Batch || a.strategy == Split && what.writes() {
		return a.primary()
	}
	return a.here
}

// write makes k changes: one without a transaction, more within one.
func (a *app) write(ctx context.Context, pool *pgxpool.Pool, owner string, k int, n int64) error {
	switch {
	case a.strategy == Batch:
		var all pgx.Batch
		for i := range k {
			all.Queue(set, owner, i+1, n)
		}
		return pool.SendBatch(ctx, &all).Close()
	case k == 1:
		_, err := pool.Exec(ctx, set, owner, 1, n)
		return err
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for i := range k {
			if _, err := tx.Exec(ctx, set, owner, i+1, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// read asks k times, and returns all answers.
func (a *app) read(ctx context.Context, pool *pgxpool.Pool, owner string, k int) (string, error) {
	answers := make([]string, k)
	if a.strategy == Batch {
		var all pgx.Batch
		for i := range k {
			all.Queue(get, owner, i+1).QueryRow(func(row pgx.Row) error { return scan(row, &answers[i]) })
		}
		err := pool.SendBatch(ctx, &all).Close()
		return strings.Join(answers, " "), err
	}
	for i := range k {
		if err := scan(pool.QueryRow(ctx, get, owner, i+1), &answers[i]); err != nil {
			return "", err
		}
	}
	return strings.Join(answers, " "), nil
}

func scan(row pgx.Row, into *string) error {
	var n int64
	err := row.Scan(&n)
	*into = strconv.FormatInt(n, 10)
	return err
}
