package relay

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
	"homing/postgres/pgtest"
	"homing/trail"
)

// shared is the cluster of the tests that leave its servers as they are.
var shared = sync.OnceValues(func() (*pgtest.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgtest.New(ctx, pgtest.Config{Replicas: 1, PgBouncer: true})
	if err != nil {
		return nil, err
	}
	err = c.Primary().Exec(ctx, "set role app",
		"create table notes (id bigserial primary key, text text)",
		"insert into notes (text) values ('one'), ('two')",
		"create function add_note(word text) returns void language sql as $$ insert into notes (text) values (word) $$",
	)
	return c, errors.Join(err, c.WaitCaughtUp(ctx))
})

func needShared(t testing.TB) *pgtest.Cluster {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// told is what a relay has told.
type told struct {
	mu     sync.Mutex
	events []Event
}

func (o *told) tell(e Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, e)
}

// take returns what was told since it was asked last.
func (o *told) take() []Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	return events
}

var names = map[trail.Mark]string{trail.Wrote: "wrote", trail.Refused: "refused", trail.Conflict: "conflict", trail.Lost: "lost"}

// marksOf names the marks of events, each once, in order.
func marksOf(events []Event) string {
	var marks []string
	for _, e := range events {
		if n := len(marks); n == 0 || marks[n-1] != names[e.Mark] {
			marks = append(marks, names[e.Mark])
		}
	}
	return strings.Join(marks, " ")
}

// wantMarks fails unless these marks, and no others, were told since last.
func (o *told) wantMarks(t testing.TB, want string) []Event {
	t.Helper()
	events := o.take()
	if got := marksOf(events); got != want {
		t.Errorf("marks %q, want %q", got, want)
	}
	return events
}

func always(role machine.Role) func() machine.Role { return func() machine.Role { return role } }

// standing is a relay that serves for the length of a test, and what it has told.
type standing struct {
	*Relay
	*told
}

// start starts a relay in front of the server that a URL leads to.
func start(t testing.TB, server string, cfg Config) standing {
	t.Helper()
	var err error
	if cfg.Server, err = pgconn.ParseConfig(server); err != nil {
		t.Fatal(err)
	}
	s := standing{told: &told{}}
	if cfg.Tell == nil {
		cfg.Tell = s.tell
	}
	if cfg.Logger == nil {
		cfg.Logger = quiet
	}
	if s.Relay, err = Listen(cfg); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(context.Background()) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s
}

// url is an app's URL through the relay.
func (s standing) url(t testing.TB, of string) string {
	t.Helper()
	address, err := s.URL(of)
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// connect connects as an app does.
func connect(t testing.TB, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// psql runs commands in psql, which fails at the first error.
func psql(ctx context.Context, address string, in io.Reader, commands ...string) (string, error) {
	address = strings.Replace(address, "default_query_exec_mode=exec&", "", 1) // which is pgx's
	args := []string{"-XqAt", "-v", "ON_ERROR_STOP=1", "-d", address}
	for _, c := range commands {
		args = append(args, "-c", c)
	}
	cmd := exec.CommandContext(ctx, "psql", args...)
	cmd.Stdin = in
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
