package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A URL that cannot be read is refused in a line that says why. No part of the
// password is in it: each part of one here begins with "Hush".
func TestURLsThatAreRefused(t *testing.T) {
	withoutLibpq(t)
	for _, tt := range []struct{ behaviour, text, want string }{
		{"no URL", "Hush", "no URL of PostgreSQL"},
		{"another scheme", "mysql://u:Hush@h/d", "no URL of PostgreSQL"},
		{"a misspelt scheme", "postgre://u:Hush@h/d?sslmode=disable", "no URL of PostgreSQL"},
		{"a scheme in capitals", "POSTGRES://u:Hush@h/d", "no URL of PostgreSQL"},
		{"a driver's scheme", "jdbc:postgresql://h/d?user=u&password=Hush", "no URL of PostgreSQL"},
		{"no scheme", "u:Hush@h/d?sslmode=disable", "no word"},
		{"quotes around it", `"postgres://u:Hush@h/d"`, "in quotes"},
		{"a slash in the password", "postgres://u:Hush1/Hush2@h/d", "%2F"},
		{"a slash after a number in the password", "postgres://u:5/Hush@h/d", "%2F"},
		{"a slash and a question", "postgres://u:5/Hush?a=Hush2@h/d", "%2F"},
		{"an at in the password", "postgres://u:Hush1@Hush2@h/d", "%40"},
		{"an at and a slash in the password", "postgres://u:Hush1@5/Hush2@h/d", "%40"},
		{"a percent sign in the password", "postgres://u:Hush1%zzHush2@h/d", "%25"},
		{"a blank in the password", "postgres://u:Hush1 Hush2@h/d", "%20"},
		{"a percent sign in the query's password", "postgres://h/d?password=Hush%z", "%25"},
		{"an equals sign in the query's password", "postgres://h/d?password=Hush1=Hush2", `"?"`},
		{"a blank in the keyword's password", "host=h password=Hush1 Hush2 user=u", "single quotes"},
		{"a blank at the end of the list", "host=h password=Hush1 Hush2", "single quotes"},
		{"a quote in the quoted password", "host=h password='Hush1'Hush2' user=u", "single quotes"},
		{"a quote that is not closed", "host=h password='Hush", "not closed"},
		{"something odd after a blank", "host=h password=Hush1 Hush2%=1 user=u", "no word"},
		{"a bad port", "postgres://u:Hush@h:port/d", "65535"},
		{"the password in place of the port", "postgres://h:Hush/d", "65535"},
		{"a port of nothing", "host=h port=0 password=Hush", "65535"},
		{"more ports than hosts", "host=h port=1,2 password=Hush", "ports as hosts"},
		{"a bad mode of TLS", "postgres://u:Hush@h/d?sslmode=Hush", "verify-full"},
		{"a file that is missing", "postgres://u:Hush@h/d?sslrootcert=/Hush/no", "no such file"},
		{"a bad time", "postgres://u:Hush@h/d?connect_timeout=Hush", "seconds"},
		{"a bad kind of server", "postgres://u:Hush@h/d?target_session_attrs=Hush", "read-write"},
		{"a bad mode of pgx", "postgres://u:Hush@h/d?default_query_exec_mode=Hush", "default_query_exec_mode"},
		{"a bad size of the pool", "postgres://u:Hush@h/d?pool_max_conns=Hush", "pool_"},
		{"an empty pool", "postgres://u:Hush@h/d?pool_max_conns=0", "less than 1"},
		{"a service that is missing", "service=Hush servicefile=/no password=Hush", "service"},
		{"an address that is not closed", "postgres://u:Hush@[::1/d", "IPv6"},
		{"a byte that is no text", "postgres://u:Hush\x00@h/d", "cannot be read"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			pool, err := parse("DATABASE_URL", tt.text)
			if err == nil {
				t.Fatalf("read as %v", Config{Pool: pool})
			}
			if !strings.HasPrefix(err.Error(), "postgres: DATABASE_URL: ") || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q does not say %s in a line", err, tt.want)
			}
			for _, shown := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
				if strings.Contains(shown, "Hush") {
					t.Errorf("a password in %q", shown)
				}
			}
			if parsing := (*pgconn.ParseConfigError)(nil); errors.As(err, &parsing) {
				t.Error("the error has the text within it")
			}
		})
	}
}

func TestURLsThatAreRead(t *testing.T) {
	withoutLibpq(t)
	const secret = "a/b@c:d?e#f%g&h=i j'k\\l"
	quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(secret)
	for _, tt := range []struct{ behaviour, text string }{
		{"a URL", "postgres://u:" + url.QueryEscape("a/b@c:d?e#f%g&h=i") + "%20j%27k%5Cl@h/d"},
		{"the other scheme", (&url.URL{Scheme: "postgresql", User: url.UserPassword("u", secret), Host: "h", Path: "/d"}).String()},
		{"a password in the query", "postgres://u@h/d?password=" + strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")},
		{"keywords", "host=h user=u dbname=d password='" + quoted + "'"},
		{"keywords on lines", "host=h\nuser = u\tdbname=d password = '" + quoted + "'"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			pool, err := parse("DATABASE_URL", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if c := pool.ConnConfig; c.Password != secret || c.Host != "h" || c.User != "u" || c.Database != "d" {
				t.Errorf("password %q, %v", c.Password, Config{Pool: pool})
			}
		})
	}
}

func TestALookUpTakesNoLongerThanAConnection(t *testing.T) {
	withoutLibpq(t)
	pool, err := parse("DATABASE_URL", "postgres://u@h/d")
	if err != nil {
		t.Fatal(err)
	}
	pool.ConnConfig.LookupFunc = func(ctx context.Context, _ string) ([]string, error) {
		<-ctx.Done()
		return nil, &net.DNSError{Err: "timeout", Name: "h", IsTimeout: true}
	}
	tune(pool, "")
	pool.ConnConfig.ConnectTimeout = 50 * time.Millisecond
	_, err = pgconn.ConnectConfig(t.Context(), &pool.ConnConfig.Config)
	if got := Diagnose(err); !strings.Contains(got, "name server") || !strings.Contains(got, "50ms") {
		t.Errorf("%s (%v)", got, err)
	}
}

// written are the ways in which a password comes into a text. Where exact, no part
// of it may be shown; else some ends it, and what follows has a meaning of its own.
var written = []struct {
	exact bool
	text  func(password string) string
}{
	{true, func(p string) string { return "postgres://u:" + p + "@h.example:5432/d?sslmode=disable" }},
	{true, func(p string) string {
		return (&url.URL{Scheme: "postgres", User: url.UserPassword("u", p), Host: "h.example", Path: "/d"}).String()
	}},
	{true, func(p string) string { return "postgres://u@h.example/d?password=" + url.QueryEscape(p) }},
	{false, func(p string) string { return "postgres://u@h.example/d?sslmode=disable&password=" + p }},
	{true, func(p string) string {
		return "host=h.example user=u password='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(p) + "' dbname=d"
	}},
	{false, func(p string) string { return "host=h.example user=u password=" + p + " dbname=d" }},
	{true, func(p string) string { return "postgre://u:" + p + "@h.example/d?sslmode=disable" }},
	{true, func(p string) string { return "u:" + p + "@h.example/d?sslmode=disable" }},
	{false, func(p string) string { return "postgres://u:" + p }},
}

// FuzzNoPasswordIsShown looks for a password in all that is said of a text: why it
// is refused, what is logged of it, and why nobody answers there.
func FuzzNoPasswordIsShown(f *testing.F) {
	for _, name := range libpqs {
		f.Setenv(name, "")
	}
	for form := range written {
		for _, special := range []string{"", "@", "/", ":", "?", "#", "%", "%zz", "%40", " ", "'", `\`, "=", "&", ",", "@5/", "/5@", " user=", "&user=", "://", "\x00", "\n", "]["} {
			f.Add(uint8(form), special, "")
			f.Add(uint8(form), "", special)
		}
	}
	f.Fuzz(func(t *testing.T, form uint8, a, b string) {
		const mark = "Hush"
		password := mark + a + mark + b + mark + "x"
		how := written[int(form)%len(written)]
		secret := mark
		if !how.exact {
			secret = password
		}
		for _, shown := range said(t, how.text(password)) {
			if strings.Contains(shown, secret) {
				t.Fatalf("a password in %q", shown)
			}
		}
	})
}

// said returns all that is said of a text, without the network.
func said(t *testing.T, text string) []string {
	var shown []string
	vars := lookup(map[string]string{"DATABASE_URL": primaryURL, "DATABASE_REPLICA_URLS": "gru=" + text + " postgres://h/d"})
	if _, err := ParseConfigFrom(in("gru"), vars); err != nil {
		shown = append(shown, err.Error())
	}
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{"DATABASE_URL": primaryURL, "DATABASE_REPLICA_URL": text}))
	if err != nil {
		return append(shown, err.Error(), fmt.Sprintf("%#v", err))
	}
	shown = append(shown, logged(*c)...)
	at := &c.Pool.ConnConfig.Config
	at.LookupFunc = func(_ context.Context, host string) ([]string, error) {
		return nil, &net.DNSError{Name: host, IsNotFound: true}
	}
	_, err = pgconn.ConnectConfig(t.Context(), at)
	return append(shown, Diagnose(err))
}

// logged returns a configuration in every form that it may be printed in.
func logged(c Config) []string {
	var text, structured bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&structured, nil))} {
		l.Info("config", "value", c, "pointer", &c, "within", struct{ C Config }{c}, "list", []*Config{&c})
	}
	shown := []string{text.String(), structured.String(), c.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		shown = append(shown, fmt.Sprintf(verb, c), fmt.Sprintf(verb, &c), fmt.Sprintf(verb, struct{ C *Config }{&c}), fmt.Sprintf(verb, []Config{c}),
			fmt.Sprintf(verb, struct{ c Config }{c}))
	}
	encoded, err := json.Marshal(c)
	return append(shown, string(encoded), fmt.Sprint(err))
}
