package main

import (
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"homing/postgres/relay"
	"homing/supervise"
)

// isPostgres reports whether a DATABASE_URL is PostgreSQL's, in one of the ways in which
// frameworks write it: postgresql+asyncpg://, ecto://. An empty one stands for libpq's
// variables.
func isPostgres(text string) bool {
	scheme, _, isURL := strings.Cut(text, "://")
	return !isURL || strings.ContainsAny(scheme, "= ") || strings.Contains(scheme, "postg") || scheme == "ecto"
}

// libpq are the parameters of a URL that package postgres can read. Frameworks have
// others there, such as Rails' pool and Prisma's schema, which a server would refuse.
var libpq = strings.Fields(`host hostaddr port user password passfile dbname connect_timeout target_session_attrs options application_name
	service servicefile krbsrvname krbspn channel_binding sslmode sslrootcert sslcert sslkey sslpassword sslsni sslnegotiation
	pool_max_conns pool_min_conns`)

// plainly is a variable of the environment as package postgres reads it: a framework's
// way to write a URL is taken off those that hold one.
func plainly(name string) string {
	text := strings.TrimSpace(os.Getenv(name))
	if name != "DATABASE_URL" && name != "DATABASE_REPLICA_URL" && !strings.HasPrefix(name, "DATABASE_URL_") || !isPostgres(text) {
		return text
	}
	scheme, rest, isURL := strings.Cut(text, "://")
	if !isURL || strings.ContainsAny(scheme, "= ") {
		return text
	}
	rest, query, has := strings.Cut(rest, "?")
	if !has {
		return "postgres://" + rest
	}
	return "postgres://" + rest + "?" + parameters(query, func(name string) bool { return slices.Contains(libpq, name) })
}

// parameters returns those of a query that keep says, as they were written.
func parameters(query string, keep func(name string) bool) string {
	all := slices.DeleteFunc(strings.Split(query, "&"), func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return name == "" || !keep(name)
	})
	return strings.Join(all, "&")
}

// appTarget is where the app's database is, and how the app has it written.
type appTarget struct {
	text                 string   // the app's DATABASE_URL; its login and its place may be another's
	hosts, ports         []string // as many; the first is the one that counts
	user, password, name string
	params               string       // of libpq, for this place
	relay                *relay.Relay // through which the app goes; nil: none
}

func targetOf(text string, c *pgx.ConnConfig) appTarget {
	t := appTarget{text: text, user: c.User, password: c.Password, name: c.Database}
	_, t.params, _ = strings.Cut(c.ConnString(), "?")
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

// environ is what leads the app there, written as the app had it.
func (t appTarget) environ() ([]string, error) {
	if t.text == "" {
		host, port := strings.Join(t.hosts, ","), strings.Join(t.ports, ",")
		vars := []string{}
		if t.relay != nil {
			host, port, _ = net.SplitHostPort(t.relay.Addr().String())
			vars = append(vars, "PGSSLMODE=disable", "PGGSSENCMODE=disable")
		}
		return append(vars, "PGHOST="+host, "PGPORT="+port), nil
	}
	text, err := t.written()
	return []string{"DATABASE_URL=" + text}, err
}

// written is the target as the app had it.
func (t appTarget) written() (string, error) {
	scheme, _, isURL := strings.Cut(t.text, "://")
	text := t.keywords()
	if isURL && !strings.ContainsAny(scheme, "= ") {
		text = t.url(scheme)
	}
	if t.relay == nil {
		return text, nil
	}
	return t.relay.URL(text)
}

// url is the target as a URL: libpq's parameters are those of the place, the others the
// app's own.
func (t appTarget) url(scheme string) string {
	_, query, _ := strings.Cut(t.text, "?")
	params := []string{parameters(query, func(name string) bool { return !slices.Contains(libpq, name) })}
	params = append(params, parameters(t.params, func(name string) bool {
		return !slices.Contains([]string{"host", "hostaddr", "port", "user", "password", "dbname"}, name) && !strings.HasPrefix(name, "pool_")
	}))
	var places []string
	for i, host := range t.hosts {
		if strings.HasPrefix(host, "/") { // a socket's folder cannot stand before the path
			params = append(params, "host="+url.QueryEscape(host)+"&port="+t.ports[i])
			continue
		}
		places = append(places, net.JoinHostPort(host, t.ports[i]))
	}
	login := url.User(t.user)
	if t.password != "" {
		login = url.UserPassword(t.user, t.password)
	}
	text := scheme + "://" + login.String() + "@" + strings.Join(places, ",") + "/" + url.PathEscape(t.name)
	params = slices.DeleteFunc(params, func(p string) bool { return p == "" })
	if len(params) > 0 {
		text += "?" + strings.Join(params, "&")
	}
	return text
}

// keywords is the target as a list of keywords: the last of a name counts.
func (t appTarget) keywords() string {
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	text := t.text
	if strings.HasSuffix(strings.TrimSpace(text), "=") {
		text += "''" // or it would take what follows for its value
	}
	for _, k := range [][2]string{
		{"host", strings.Join(t.hosts, ",")}, {"port", strings.Join(t.ports, ",")},
		{"user", t.user}, {"password", t.password}, {"dbname", t.name},
	} {
		if k[1] != "" {
			text += " " + k[0] + "='" + quoted.Replace(k[1]) + "'"
		}
	}
	return text
}

// values are what --env can name.
func (t appTarget) values() supervise.Values {
	v := supervise.Values{"host": t.hosts[0], "port": t.ports[0], "user": t.user, "password": t.password, "database": t.name}
	scheme := "postgres"
	if s, _, isURL := strings.Cut(t.text, "://"); isURL && !strings.ContainsAny(s, "= ") {
		scheme = s
	}
	v["url"] = t.url(scheme)
	if t.relay == nil {
		return v
	}
	v["host"], v["port"], _ = net.SplitHostPort(t.relay.Addr().String())
	if through, err := t.relay.URL(v["url"]); err == nil { // environ has told of what is wrong
		v["url"] = through
	}
	return v
}
