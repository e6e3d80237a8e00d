package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"homing"
	"homing/postgres"
	"homing/sidecar"
	"homing/supervise"
)

// appDatabase is the database of the app's region: what we see of it, and what the app
// is told of it.
type appDatabase struct {
	view    homing.Database  // nil: there is none that we can read
	witness sidecar.Witness  // nil: nobody sees what the app does
	env     []string         // variables that lead the app there
	values  supervise.Values // for --env; nil: there is none
	close   func()
}

// openAppDatabase finds the database of this region by the app's own variables. Where
// Homing is off, or does not know the kind, the app keeps what it has.
func openAppDatabase(ctx context.Context, env homing.Env, f sidecarFlags, log *slog.Logger) (*appDatabase, error) {
	none := &appDatabase{close: func() {}}
	text := strings.TrimSpace(os.Getenv("DATABASE_URL"))
	switch {
	case text == "" && os.Getenv("PGHOST") == "":
		return none, nil
	case !isPostgres(text):
		log.Info("homing: DATABASE_URL is of a kind that the sidecar cannot read, so writes are found by method, by routes, and by the answer's field Homing-Did")
		return none, nil
	}
	cfg, err := postgres.ParseConfig(env.Env)
	if err != nil {
		return nil, err
	}
	if env.Mode == homing.Off {
		none.values = targetOf(cfg.Pool.ConnConfig).values()
		return none, nil
	}
	cfg.Logger = log
	db, err := postgres.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	a := &appDatabase{view: db, close: func() { db.Close() }}
	where := targetOf(db.Pool().Config().ConnConfig)
	a.env, a.values = where.environ(), where.values()
	return a, nil
}

// isPostgres reports whether a DATABASE_URL may be PostgreSQL's; an empty one stands for
// libpq's variables.
func isPostgres(text string) bool {
	scheme, _, hasScheme := strings.Cut(text, "://")
	return !hasScheme || scheme == "postgres" || scheme == "postgresql" || strings.Contains(scheme, "=")
}

// appTarget is where the app's database is, and how that is written.
type appTarget struct {
	text                 string   // the URL or list of keywords that leads there, or nearly
	hosts, ports         []string // as many; the first is the one that counts
	user, password, name string
	sslmode              string // replaces that of the text; empty: as there
}

func targetOf(c *pgx.ConnConfig) appTarget {
	t := appTarget{text: c.ConnString(), user: c.User, password: c.Password, name: c.Database}
	t.add(c.Host, c.Port)
	for _, f := range c.Fallbacks { // also the same host, without TLS
		t.add(f.Host, f.Port)
	}
	return t
}

func (t *appTarget) add(host string, port uint16) {
	p := strconv.Itoa(int(port))
	for i := range t.hosts {
		if t.hosts[i] == host && t.ports[i] == p {
			return
		}
	}
	t.hosts, t.ports = append(t.hosts, host), append(t.ports, p)
}

// url is the target as a URL. What else the text says, such as sslmode, is kept.
func (t appTarget) url() string {
	u := &url.URL{Scheme: "postgres", User: url.User(t.user), Path: "/" + t.name}
	if t.password != "" {
		u.User = url.UserPassword(t.user, t.password)
	}
	q := url.Values{}
	if scheme, rest, ok := strings.Cut(t.text, "://"); ok {
		u.Scheme = scheme
		_, query, _ := strings.Cut(rest, "?")
		q, _ = url.ParseQuery(query) // pgx has read it
	}
	for _, name := range []string{"host", "hostaddr", "port", "user", "password", "dbname", "database"} {
		q.Del(name) // they stand before
	}
	var places []string
	for i, host := range t.hosts {
		if strings.HasPrefix(host, "/") { // a socket's folder cannot stand there
			q.Set("host", host)
			q.Set("port", t.ports[i])
			continue
		}
		places = append(places, net.JoinHostPort(host, t.ports[i]))
	}
	if t.sslmode != "" {
		q.Set("sslmode", t.sslmode)
	}
	u.Host, u.RawQuery = strings.Join(places, ","), q.Encode()
	return u.String()
}

// keywords is the target as a list of keywords: the last of a name counts.
func (t appTarget) keywords() string {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	text := t.text
	for _, k := range [][2]string{
		{"host", strings.Join(t.hosts, ",")}, {"port", strings.Join(t.ports, ",")},
		{"user", t.user}, {"password", t.password}, {"dbname", t.name}, {"sslmode", t.sslmode},
	} {
		if k[1] != "" {
			text += fmt.Sprintf(" %s='%s'", k[0], quoted.Replace(k[1]))
		}
	}
	return strings.TrimSpace(text)
}

// environ is what leads the app there, written as the app had it.
func (t appTarget) environ() []string {
	switch {
	case t.text == "":
		vars := []string{"PGHOST=" + strings.Join(t.hosts, ","), "PGPORT=" + strings.Join(t.ports, ",")}
		if t.sslmode != "" {
			vars = append(vars, "PGSSLMODE="+t.sslmode)
		}
		return vars
	case strings.Contains(t.text, "://"):
		return []string{"DATABASE_URL=" + t.url()}
	}
	return []string{"DATABASE_URL=" + t.keywords()}
}

func (t appTarget) values() supervise.Values {
	return supervise.Values{
		"url": t.url(), "host": t.hosts[0], "port": t.ports[0], "user": t.user, "password": t.password, "database": t.name,
	}
}

// expand fills in what --env says.
func (a *appDatabase) expand(flags []string) ([]string, error) {
	var vars []string
	for _, f := range flags {
		name, template, ok := strings.Cut(f, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("sidecar: --env %s: want NAME=VALUE, as DB_HOST={host}", name)
		}
		value := a.values.Expand(template)
		if a.values == nil && strings.ContainsAny(template, "{}") {
			return nil, errors.New("sidecar: --env " + name + ": there is no database to tell of; set DATABASE_URL to PostgreSQL's")
		}
		vars = append(vars, name+"="+value)
	}
	return vars, nil
}
