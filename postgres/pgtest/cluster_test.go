package pgtest_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"homing/postgres/pgtest"
)

// connect connects for the length of the test.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// scalar is what a query returns.
func scalar[T any](t testing.TB, url, sql string, args ...any) T {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// write writes a row on the primary.
func write(t testing.TB, c *pgtest.Cluster, word string) {
	t.Helper()
	must(t, c.Primary().Exec(t.Context(), "create table if not exists words (word text)", "insert into words values ('"+word+"')"))
}

func count(t testing.TB, s *pgtest.Server) int {
	t.Helper()
	return scalar[int](t, s.AdminURL(), "select count(*) from words")
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 10 s: %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func TestReplicasFollowAndRefuseWrites(t *testing.T) {
	t.Parallel()
	begun := time.Now()
	c := pgtest.Start(t, pgtest.Config{Replicas: 2, Settings: map[string]string{"work_mem": "123kB"}})
	t.Logf("a primary and two replicas, ready in %v", time.Since(begun).Round(time.Millisecond))
	write(t, c, "hello")
	must(t, c.WaitCaughtUp(t.Context()))
	if len(c.Replicas()) != 2 {
		t.Fatalf("%d replicas", len(c.Replicas()))
	}
	for _, r := range c.Replicas() {
		if n := count(t, r); n != 1 {
			t.Errorf("%s has %d rows, want 1", r.Name(), n)
		}
		conn := connect(t, r.URL())
		if _, err := conn.Exec(t.Context(), "create table t ()"); code(err) != "25006" {
			t.Errorf("a write on %s: %v, want SQLSTATE 25006", r.Name(), err)
		}
		if got := scalar[string](t, r.URL(), "show work_mem"); got != "123kB" {
			t.Errorf("work_mem is %s on %s", got, r.Name())
		}
	}
	if got := scalar[string](t, c.Primary().URL(), "select current_user || ' ' || current_database()"); got != "app app" {
		t.Errorf("the URL leads to %q", got)
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{})
	for _, url := range []string{c.Primary().URL(), c.Primary().AdminURL()} {
		cfg, err := pgx.ParseConfig(url)
		must(t, err)
		cfg.Password = "guessed"
		if _, err := pgx.ConnectConfig(t.Context(), cfg); code(err) != "28P01" {
			t.Errorf("%s with a wrong password: %v, want SQLSTATE 28P01", cfg.User, err)
		}
	}
}

func TestClustersAtTheSameTimeAreApart(t *testing.T) {
	t.Parallel()
	const identity = "select system_identifier::text from pg_control_system()"
	seen := make(chan string, 2)
	t.Run("both", func(t *testing.T) {
		for _, word := range []string{"one", "two"} {
			t.Run(word, func(t *testing.T) {
				t.Parallel()
				c := pgtest.Start(t, pgtest.Config{Replicas: 1})
				write(t, c, word)
				must(t, c.WaitCaughtUp(t.Context()))
				replica := c.Replicas()[0]
				if got := scalar[string](t, replica.AdminURL(), "select string_agg(word, ',') from words"); got != word {
					t.Errorf("the replica of %s has %q", word, got)
				}
				id := scalar[string](t, replica.AdminURL(), identity)
				if primary := scalar[string](t, c.Primary().AdminURL(), identity); primary != id {
					t.Errorf("system identifiers %s and %s in one cluster", primary, id)
				}
				seen <- id
			})
		}
	})
	close(seen) // with less in it where a cluster failed
	if a, b := <-seen, <-seen; a == b {
		t.Errorf("both clusters have the system identifier %q", a)
	}
}

func TestDatabasesOfTestsAreApart(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{Replicas: 1})
	t.Run("each", func(t *testing.T) {
		for range 3 {
			t.Run("has its own", func(t *testing.T) {
				t.Parallel()
				db := c.NewDatabase(t)
				conn := connect(t, db.URL(c.Primary()))
				if _, err := conn.Exec(t.Context(), "create table mine ()"); err != nil {
					t.Error(err)
				}
				if got := scalar[string](t, db.DirectURL(c.Replicas()[0]), "select current_database()"); got != db.Name() {
					t.Errorf("the replica shows %q, want %q", got, db.Name())
				}
			})
		}
	})
	if n := scalar[int](t, c.Primary().URL(), "select count(*) from pg_database where datname like 'test%'"); n != 0 {
		t.Errorf("%d databases are left", n)
	}
}

func TestACommitWaitsForSynchronousReplicas(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{Replicas: 2})
	write(t, c, "before")
	slow := c.Replicas()[1]
	must(t, c.Synchronous(t.Context(), c.Replicas()...))
	slow.HoldStream()
	done := make(chan error, 1)
	go func() { done <- c.Primary().Exec(t.Context(), "insert into words values ('waits')") }()
	eventually(t, "the commit waits for a replica", func() bool {
		return scalar[bool](t, c.Primary().AdminURL(), "select exists (select from pg_stat_activity where wait_event = 'SyncRep')")
	})
	select {
	case err := <-done:
		t.Errorf("a commit did not wait for a replica that is held: %v", err)
	default:
	}
	slow.ReleaseStream()
	must(t, <-done)

	slow.HoldStream()
	must(t, c.Synchronous(t.Context()))
	must(t, c.Primary().Exec(t.Context(), "insert into words values ('does not wait')"))
}

func TestBadConfigsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  pgtest.Config
		want string
	}{
		{"too few replicas", pgtest.Config{Replicas: -1}, "Replicas is -1"},
		{"too many replicas", pgtest.Config{Replicas: 9}, "Replicas is 9"},
		{"a fixed setting", pgtest.Config{Settings: map[string]string{"port": "5432"}}, "Settings has port"},
		{"no such setting", pgtest.Config{Settings: map[string]string{"no_such_setting": "1"}}, `unrecognized configuration parameter "no_such_setting"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := pgtest.New(t.Context(), tt.cfg)
			if err == nil {
				c.Close()
				t.Fatal("no error")
			}
			if text := err.Error(); !strings.Contains(text, tt.want) || strings.Contains(text, "\n") {
				t.Errorf("got %q, want a line with %q", text, tt.want)
			}
		})
	}
}

// dataOf is a server's folder.
func dataOf(s *pgtest.Server) (data string, err error) {
	conn, err := pgx.Connect(context.Background(), s.AdminURL())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(context.Background(), "show data_directory").Scan(&data)
	return data, err
}
