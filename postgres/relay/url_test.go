package relay

import (
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func relayAt(addr net.Addr) *Relay { return &Relay{listener: listenerAt{addr: addr}} }

type listenerAt struct {
	net.Listener
	addr net.Addr
}

func (l listenerAt) Addr() net.Addr { return l.addr }

func TestURL(t *testing.T) {
	r := relayAt(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6000})
	for of, want := range map[string]string{
		"postgres://app:p%40ss@db.example:5433/shop?sslmode=require&application_name=web": "postgres://app:p%40ss@127.0.0.1:6000/shop?application_name=web&sslmode=disable",
		"postgresql://a@h1:1,h2:2/x?target_session_attrs=primary":                         "postgresql://a@127.0.0.1:6000/x?sslmode=disable",
		"postgres://db":                            "postgres://127.0.0.1:6000?sslmode=disable",
		"postgres://db/":                           "postgres://127.0.0.1:6000/?sslmode=disable",
		"postgres:///shop?host=/run/pg&user=app":   "postgres://127.0.0.1:6000/shop?user=app&sslmode=disable",
		"postgres://[::1]:5432/shop?pool=5":        "postgres://127.0.0.1:6000/shop?pool=5&sslmode=disable",
		"postgresql+asyncpg://a:b@db/x?ssl=true":   "postgresql+asyncpg://a:b@127.0.0.1:6000/x?ssl=disable",
		"ecto://a:b@db/x?ssl=true":                 "ecto://a:b@127.0.0.1:6000/x",
		"jdbc:postgresql://db:1/x?user=a&ssl=true": "jdbc:postgresql://127.0.0.1:6000/x?user=a&sslmode=disable",
		"postgres://a@db/x?options=-c%20a%3Db@c":   "postgres://a@127.0.0.1:6000/x?options=-c%20a%3Db@c&sslmode=disable",
		"":                                         "host=127.0.0.1 port=6000 sslmode=disable",
		"host=db hostaddr=1.2.3.4 user=app password='it''s' dbname = shop sslmode=verify-full sslrootcert='a b'": "",
		`host=db user=app password='it\'s = fine' dbname = shop sslmode=verify-full sslrootcert='a b'`:           `host=127.0.0.1 port=6000 sslmode=disable user=app password='it\'s = fine' dbname = shop`,
		`user=app password=a\ b\\`:       `host=127.0.0.1 port=6000 sslmode=disable user=app password=a\ b\\`,
		"user=app password=":             "host=127.0.0.1 port=6000 sslmode=disable user=app password=",
		"postgres://app:a/b@db/x":        "",
		"postgres://app:a?b@db/x":        "",
		"postgres://app:a@b@db/x":        "",
		"db/shop":                        "",
		"host=db password='never closed": "",
	} {
		got, err := r.URL(of)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s\n got %s, %v\nwant %s", of, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "a/b") {
			t.Errorf("the error quotes: %v", err)
		}
	}
}

func TestURLOfAFolder(t *testing.T) {
	r := relayAt(&net.UnixAddr{Net: "unix", Name: "/run/it's here/.s.PGSQL.5432"})
	for of, want := range map[string]string{
		"postgres://app:a@db:1/x": "postgres://app:a@/x?sslmode=disable&host=%2Frun%2Fit%27s+here&port=5432",
		"user=app":                `host='/run/it\'s here' port=5432 sslmode=disable user=app`,
	} {
		if got, err := r.URL(of); got != want || err != nil {
			t.Errorf("%s\n got %s, %v\nwant %s", of, got, err, want)
		}
	}
}

// FuzzURL: what pgx can read it can read afterwards, with the same login, and it leads
// to the relay.
func FuzzURL(f *testing.F) {
	r := relayAt(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 6000})
	for _, of := range []string{"postgres://a:b@c:1/d?sslmode=disable", "host=a user=b password='c \\' d'", "postgres:///x?host=/tmp", "postgres://a,b/", "user = x"} {
		f.Add(of)
	}
	f.Fuzz(func(t *testing.T, of string) {
		got, err := r.URL(of)
		isTheirs := strings.HasPrefix(of, "postgres://") || strings.HasPrefix(of, "postgresql://") || !strings.Contains(of, "://")
		if err != nil || !isTheirs || strings.ContainsAny(of, "\x00#") || strings.Contains(of, "service") {
			return
		}
		before, err := pgconn.ParseConfig(of)
		if err != nil {
			return
		}
		after, err := pgconn.ParseConfig(got)
		if err != nil {
			t.Fatalf("%q became %q: %v", of, got, err)
		}
		if after.Host != "127.0.0.1" || after.Port != 6000 || len(after.Fallbacks) > 0 || after.TLSConfig != nil {
			t.Errorf("%q became %q, which leads to %s:%d and %d more", of, got, after.Host, after.Port, len(after.Fallbacks))
		}
		if after.User != before.User || after.Password != before.Password || after.Database != before.Database {
			t.Errorf("%q became %q: another login", of, got)
		}
	})
}
