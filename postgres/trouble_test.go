package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/position"
	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/region"
)

// lines is a log that can be read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// openAs opens a server's database as a machine of a region has it, whose primary is
// in ord.
func openAs(t *testing.T, at region.Code, address string) (*postgres.DB, *lines) {
	t.Helper()
	pool, err := pgxpool.ParseConfig(address)
	if err != nil {
		t.Fatal(err)
	}
	log := new(lines)
	db, err := postgres.Open(t.Context(), &postgres.Config{
		Pool: pool, Region: at, PrimaryRegion: "ord", Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db, log
}

func changed(address string, change func(*url.URL)) string {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	change(u)
	return u.String()
}

func TestADatabaseThatCannotBeUsedSaysWhy(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		c := pgtest.Start(t, cfg)
		good := c.Replicas()[0].URL()
		silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { silent.Close() }) // after the parallel tests
		for _, tt := range []struct{ name, address, want string }{
			{"a wrong password", changed(good, func(u *url.URL) { u.User = url.UserPassword("app", "wrong-one") }), "the password is wrong"},
			{"no such database", changed(good, func(u *url.URL) { u.Path = "/nowhere" }), "there is no such database"},
			{"nobody listens", changed(good, func(u *url.URL) { u.Host = "127.0.0.1:1" }), "nobody listens there"},
			{"nobody answers", changed(good, func(u *url.URL) { u.Host = silent.Addr().String() }), "no answer in time"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				db, log := openAs(t, "gru", tt.address)
				eventually(t, "it says why", func() bool { return db.Problem() != "" })
				if text := db.Problem(); !strings.Contains(text, tt.want) {
					t.Errorf("it says %q, want %q in it", text, tt.want)
				}
				if st := db.State(); st.Role != machine.None {
					t.Errorf("it is %+v", st)
				}
				if text := db.Problem() + log.String(); strings.Contains(text, "wrong-one") || strings.Contains(db.Problem(), "\n") {
					t.Errorf("it says %q", text)
				}
			})
		}
	})
}

func TestADatabaseThatIsNotWhatIsWantedIsToldOf(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		c := pgtest.Start(t, cfg)
		for _, tt := range []struct {
			name string
			at   region.Code
			s    *pgtest.Server
			want string
		}{
			{"a replica's URL leads to a primary", "gru", c.Primary(), "leads to a primary"},
			{"the primary's URL leads to a replica", "ord", c.Replicas()[0], "leads to a replica"},
		} {
			t.Run(tt.name, func(t *testing.T) {
				db, log := openAs(t, tt.at, tt.s.URL())
				eventually(t, "the log tells", func() bool { return strings.Contains(log.String(), tt.want) })
				eventually(t, "it is used as what it is", func() bool { return db.State().Role != machine.None })
			})
		}
	})
}

// TestAServerThatDoesNotTellItsPosition has a window instead: Aurora has no such
// function, and others may not let everybody call it.
func TestAServerThatDoesNotTellItsPosition(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		cfg.Replicas = 0
		c := pgtest.Start(t, cfg)
		must(t, c.Primary().Exec(t.Context(), "revoke execute on function pg_current_wal_flush_lsn() from public"))
		db, log := openAs(t, "ord", c.Primary().URL())
		eventually(t, "it is the primary", func() bool { return db.State().Role == machine.Primary })
		if _, err := db.Position(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Position: %v", err)
		}
		if err := db.Wait(t.Context(), "0/1"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Wait: %v", err)
		}
		if n := strings.Count(log.String(), "positions cannot be used"); n != 1 {
			t.Errorf("said %d times: %s", n, log)
		}
	})
}

// TestAnAddressThatSpreads over several servers is found out: what one has reached
// another may not have.
func TestAnAddressThatSpreads(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		cfg.Replicas = 2
		c := pgtest.Start(t, cfg)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var turns atomic.Int64
		var conns sync.WaitGroup
		go func() {
			for {
				near, err := l.Accept()
				if err != nil {
					return
				}
				to := c.Replicas()[turns.Add(1)%2]
				conns.Go(func() { join(near, to.URL()) })
			}
		}()
		t.Cleanup(func() { l.Close(); conns.Wait() })
		db, log := openAs(t, "gru", changed(c.Replicas()[0].URL(), func(u *url.URL) { u.Host = l.Addr().String() }))
		eventually(t, "it is found out", func() bool { return strings.Contains(log.String(), "leads to several servers") })
		if err := db.Wait(t.Context(), position.Position("0/1")); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("Wait: %v", err)
		}
	})
}

func join(near net.Conn, address string) {
	defer near.Close()
	u, err := url.Parse(address)
	if err != nil {
		return
	}
	far, err := net.Dial("tcp", u.Host)
	if err != nil {
		return
	}
	defer far.Close()
	go func() {
		io.Copy(far, near)
		far.Close()
	}()
	io.Copy(near, far)
}

// TestADatabaseThatComesBack is used again, without anybody's doing.
func TestADatabaseThatComesBack(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		c := pgtest.Start(t, cfg)
		s := c.Replicas()[0]
		db, _ := openAs(t, "gru", s.URL())
		eventually(t, "it is a replica", func() bool { return db.State().Role == machine.Replica })
		must(t, s.Stop(t.Context(), pgtest.Immediate))
		eventually(t, "it has no role", func() bool { return db.State().Role == machine.None && db.Problem() != "" })
		must(t, s.Start(t.Context()))
		eventually(t, "it is a replica again", func() bool { return db.State().Role == machine.Replica && db.Problem() == "" })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var n int
		if err := db.Pool().QueryRow(ctx, "select 1").Scan(&n); err != nil {
			t.Errorf("its pool: %v", err)
		}
	})
}

func TestTheFarPrimary(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		c := pgtest.Start(t, cfg)
		must(t, c.Primary().Exec(t.Context(), "create table far (id int)", "grant all on far to app"))
		near, _ := pgxpool.ParseConfig(c.Replicas()[0].URL())
		far, _ := pgxpool.ParseConfig(c.Primary().URL())
		log := new(lines)
		db, err := postgres.Open(t.Context(), &postgres.Config{Pool: near, Primary: far, Region: "gru", PrimaryRegion: "ord", Logger: slog.New(slog.NewTextHandler(log, nil))})
		must(t, err)
		defer db.Close()
		for range 2 {
			pool, err := db.Primary(t.Context())
			must(t, err)
			if _, err := pool.Exec(t.Context(), "insert into far values (1)"); err != nil {
				t.Error(err)
			}
		}
		if n := strings.Count(log.String(), "pays the way"); n != 1 {
			t.Errorf("said %d times: %s", n, log)
		}
	})
}
