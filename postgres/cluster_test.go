package postgres_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing"
	"homing/machine"
	"homing/postgres"
	"homing/postgres/pgtest"
)

// openBoth opens a database as a machine in gru has it, whose settings name the primary.
func openBoth(t *testing.T, here, primary string) (*postgres.DB, *lines) {
	t.Helper()
	near, err := pgxpool.ParseConfig(here)
	must(t, err)
	far, err := pgxpool.ParseConfig(primary)
	must(t, err)
	log := new(lines)
	db, err := postgres.Open(t.Context(), &postgres.Config{
		Pool: near, Primary: far, Region: "gru", PrimaryRegion: "ord", Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db, log
}

// TestADatabaseOfAnotherCluster serves nobody: what it has is not what the primary has.
func TestADatabaseOfAnotherCluster(t *testing.T) {
	eachWay(t, func(t *testing.T, cfg pgtest.Config) {
		ours, other := pgtest.Start(t, cfg), pgtest.Start(t, cfg)
		for name, server := range map[string]*pgtest.Server{"a replica": other.Replicas()[0], "a primary": other.Primary()} {
			t.Run(name, func(t *testing.T) {
				db, log := openBoth(t, server.URL(), ours.Primary().URL())
				eventually(t, "it is out of use", func() bool { return strings.Contains(db.Problem(), "another cluster") })
				if st := db.State(); st.Role != machine.None || st.Epoch != "" {
					t.Errorf("it is %+v", st)
				}
				if !strings.Contains(log.String(), "another cluster") {
					t.Error(log)
				}
				goesHome(t, db)
			})
		}
	})
}

// goesHome checks what a machine with this database answers.
func goesHome(t *testing.T, db *postgres.DB) {
	t.Helper()
	env, err := homing.FromLookup(func(name string) string {
		return map[string]string{"FLY_REGION": "gru", "PRIMARY_REGION": "ord", "HOMING_EDGE": "1"}[name]
	})
	must(t, err)
	site, err := homing.New(homing.Config{Env: env, Database: db, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	request := httptest.NewRequest("GET", "/", nil)
	request.Header.Set("Fly-Region", "gru")
	answer, health := httptest.NewRecorder(), httptest.NewRecorder()
	site.Handler(http.NotFoundHandler()).ServeHTTP(answer, request)
	if got := answer.Header().Get("fly-replay"); !strings.Contains(got, "region=ord") {
		t.Errorf("a read is answered %d, %v", answer.Code, answer.Header())
	}
	site.Health().ServeHTTP(health, request)
	if health.Code != http.StatusServiceUnavailable || !strings.Contains(health.Body.String(), "another cluster") {
		t.Errorf("the health check is told %d %s", health.Code, health.Body)
	}
}

// listener is an address that leads to a server, and says when somebody comes and has
// gone. Without a server it takes connections and says nothing.
func listener(t *testing.T, to *pgtest.Server) (addr string, came, gone <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	entered, left := make(chan struct{}, 100), make(chan struct{}, 100)
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			entered <- struct{}{}
			conns.Go(func() {
				if to == nil {
					io.Copy(io.Discard, conn)
					conn.Close()
				} else {
					join(conn, fmt.Sprint("127.0.0.1:", to.Port()))
				}
				left <- struct{}{}
			})
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return l.Addr().String(), entered, left
}

// TestAReplicaStaysOne unless it is certain that its cluster is another.
func TestAReplicaStaysOne(t *testing.T) {
	c := pgtest.Start(t, pgtest.Config{Replicas: 2})
	other := pgtest.Start(t, pgtest.Config{})
	blind(t, other)
	for _, tt := range []struct {
		name    string
		primary *pgtest.Server
	}{
		{"of the primary", c.Primary()},
		{"of a primary that has moved", c.Replicas()[1]},
		{"of one that does not tell", other.Primary()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			addr, _, gone := listener(t, tt.primary)
			db, log := openBoth(t, c.Replicas()[0].URL(), changed(tt.primary.DirectURL(), func(u *url.URL) { u.Host = addr }))
			soon(t, "the primary was asked", gone)
			eventually(t, "it is a replica", func() bool { return db.State().Role == machine.Replica })
			for deadline := time.Now().Add(100 * time.Millisecond); time.Now().Before(deadline); <-time.After(time.Millisecond) {
				if st := db.State(); st.Role != machine.Replica || db.Problem() != "" {
					t.Fatalf("it is %+v: %s", st, db.Problem())
				}
			}
			if strings.Contains(log.String(), "WARN") {
				t.Error(log)
			}
		})
	}
}

// TestAPrimaryThatSaysNothing keeps nobody waiting, neither requests nor Close.
func TestAPrimaryThatSaysNothing(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{Replicas: 1})
	addr, came, gone := listener(t, nil)
	db, _ := openBoth(t, c.Replicas()[0].URL(), changed(c.Primary().URL(), func(u *url.URL) { u.Host = addr }))
	eventually(t, "it is a replica", func() bool { return db.State().Role == machine.Replica })
	soon(t, "the primary is asked", came)
	must(t, db.Close())
	soon(t, "it is asked no more", gone)
}

func soon(t *testing.T, what string, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(15 * time.Second):
		t.Fatalf("still not so after 15 s: %s", what)
	}
}

// TestTheSameServerTwice is told, by what it says of itself: the addresses differ.
func TestTheSameServerTwice(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{PgBouncer: true})
	_, log := openBoth(t, c.Primary().URL(), c.Primary().DirectURL())
	eventually(t, "the log tells", func() bool { return strings.Contains(log.String(), "same server") })
}
