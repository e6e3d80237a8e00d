package dev_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/url"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/dev"
	"homing/region"
)

// envApp answers with its environment.
const envApp = `require('http').createServer((q, r) => r.end(JSON.stringify(process.env))).listen(process.env.PORT)`

func (v *visitor) environ() map[string]string {
	v.t.Helper()
	env := map[string]string{}
	resp, err := v.client.Get(v.base)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(b, &env) != nil {
		v.t.Fatalf("%q, %v", b, err)
	}
	return env
}

// isReplica asks the server that a URL leads to, and returns how long that took.
func isReplica(t *testing.T, at string) (replica bool, took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	begun := time.Now()
	turn(t, conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&replica))
	return replica, time.Since(begun)
}

// TestProcessesGetTheirRegionsDatabases: by the names and ports that they have on Fly.
func TestProcessesGetTheirRegionsDatabases(t *testing.T) {
	const way = 40 * time.Millisecond
	w := startProcesses(t, func(c *dev.Config) {
		c.Engine, c.Regions, c.Process = dev.Postgres, []region.Code{"ord", "gru"}, node(t, envApp)
		c.Distances = func(a, b region.Code) time.Duration { return apart(a, b, way) }
	})
	check := func(r, home region.Code) {
		t.Helper()
		env := newVisitor(t, w, r).environ()
		if env["PRIMARY_REGION"] != string(home) || env["FLY_REGION"] != string(r) {
			t.Errorf("%s was told FLY_REGION=%s and PRIMARY_REGION=%s; want %s and %s", r, env["FLY_REGION"], env["PRIMARY_REGION"], r, home)
		}
		replica, took := isReplica(t, env["DATABASE_URL"])
		if replica || r != home && took < way {
			t.Errorf("DATABASE_URL in %s leads to a replica: %v, within %v", r, replica, took)
		}
		if replica, _ := isReplica(t, env["DATABASE_REPLICA_URL"]); replica != (r != home) {
			t.Errorf("DATABASE_REPLICA_URL in %s leads to a replica: %v", r, replica)
		}
		u, err := url.Parse(env["DATABASE_URL"])
		turn(t, err)
		if runtime.GOOS == "linux" && (u.Port() != "5432" || env["DATABASE_REPLICA_URL"] != strings.Replace(env["DATABASE_URL"], ":5432/", ":5433/", 1)) {
			t.Errorf("the ports are those of %s and its replica's", u.Host)
		}
	}
	check("ord", "ord")
	check("gru", "ord")
	// An app that knows of the primary by its environment is told of the new one.
	turn(t, w.Promote(t.Context(), "gru"))
	check("ord", "gru")
	check("gru", "gru")
}

func TestProcessesGetTheirRegionsFile(t *testing.T) {
	w, err := dev.Start(t.Context(), dev.Config{
		Regions: []region.Code{"ord", "gru"}, Primary: "ord", Engine: dev.SQLite, Dir: t.TempDir(), Process: node(t, envApp),
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { turn(t, w.Close()) })
	for _, r := range []region.Code{"ord", "gru"} {
		path := newVisitor(t, w, r).environ()["DATABASE_PATH"]
		if _, err := os.Stat(path); err != nil || !strings.HasSuffix(path, "/"+string(r)+".db") {
			t.Errorf("the file in %s is %q, %v", r, path, err)
		}
	}
}
