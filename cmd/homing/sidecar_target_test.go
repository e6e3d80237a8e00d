package main

import (
	"log/slog"
	"strings"
	"testing"

	"homing"
)

func TestAnAppIsToldOfItsRegionsDatabase(t *testing.T) {
	regions := map[string]string{"FLY_REGION": "gru", "PRIMARY_REGION": "ord"}
	for _, tt := range []struct {
		name  string
		vars  map[string]string
		relay string
		want  string // of DATABASE_URL, or PGHOST; RELAY stands for where that is
		port  string // for {host}:{port}
	}{
		{"none", nil, "auto", "", "-"},
		{"another kind", map[string]string{"DATABASE_URL": "mysql://u:p@db/app"}, "auto", "", "-"},
		{"the only one", map[string]string{"DATABASE_URL": "postgres://u:p@db.test:5432/app"}, "off", "postgres://u:p@db.test:5432/app", "db.test:5432"},
		{"a framework's parameters", map[string]string{"DATABASE_URL": "postgresql://u:p@db.test/app?pool=5&sslmode=disable"}, "off",
			"postgresql://u:p@db.test:5432/app?pool=5&sslmode=disable", "db.test:5432"},
		{"a framework's way to write it", map[string]string{"DATABASE_URL": "postgresql+asyncpg://u:p@db.test/app"}, "off", "postgresql+asyncpg://u:p@db.test:5432/app", "db.test:5432"},
		{"the replica of the region", map[string]string{"DATABASE_URL": "ecto://u:p@db.test/app?pool=5&sslmode=require", "DATABASE_URL_GRU": "postgres://v:q%2F@gru.test:6432/app2?sslmode=disable"}, "off",
			"ecto://v:q%2F@gru.test:6432/app2?pool=5&sslmode=disable", "gru.test:6432"},
		{"a replica on Fly", map[string]string{"DATABASE_URL": "postgres://u:p@db.flycast:5432/app"}, "off", "postgres://u:p@db.flycast:5433/app", "db.flycast:5433"},
		{"keywords", map[string]string{"DATABASE_URL": "host=db.test user=u password='it\\'s' dbname=app", "DATABASE_REPLICA_URL": "host=gru.test user=v password=q dbname=app"}, "off",
			"host=db.test user=u password='it\\'s' dbname=app host='gru.test' port='5432' user='v' password='q' dbname='app'", "gru.test:5432"},
		{"through the relay", map[string]string{"DATABASE_URL": "postgres://u:p@db.test/app?pool=5&sslmode=verify-full"}, "auto", "postgres://u:p@RELAY/app?pool=5&sslmode=disable", "RELAY"},
		{"several hosts", map[string]string{"DATABASE_URL": "postgres://u:p@a.test,b.test:6432/app?target_session_attrs=any"}, "off",
			"postgres://u:p@a.test:5432,b.test:6432/app?target_session_attrs=any", "a.test:5432"},
		{"switched off", map[string]string{"DATABASE_URL": "postgres://u:p@db.flycast:5432/app?pool=5", "HOMING_MODE": "off"}, "auto", "", "db.flycast:5432"},
		{"observed", map[string]string{"DATABASE_URL": "postgres://u:p@db.flycast:5432/app", "HOMING_MODE": "observe"}, "auto", "postgres://u:p@RELAY/app?sslmode=disable", "RELAY"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"DATABASE_URL", "DATABASE_URL_GRU", "DATABASE_REPLICA_URL", "DATABASE_REPLICA_URLS", "HOMING_MODE", "PGHOST", "PGSERVICE"} {
				t.Setenv(name, tt.vars[name])
			}
			for name, value := range regions {
				t.Setenv(name, value)
			}
			if tt.vars["DATABASE_URL_GRU"]+tt.vars["DATABASE_REPLICA_URL"] == "" && !strings.Contains(tt.name, "Fly") {
				t.Setenv("FLY_REGION", "ord") // where DATABASE_URL counts
			}
			env, err := homing.FromEnv()
			if err != nil {
				t.Fatal(err)
			}
			a, err := sidecarFlags{relay: tt.relay}.openAppDatabase(t.Context(), env, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer a.close()
			where := a.values["host"] + ":" + a.values["port"]
			got := strings.TrimPrefix(strings.Join(a.env, " "), "DATABASE_URL=")
			want := strings.ReplaceAll(tt.want, "RELAY", where)
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if tt.port != "-" && tt.port != "RELAY" && where != tt.port || tt.port == "RELAY" && !strings.HasPrefix(where, "127.0.0.1:") || tt.port == "-" && a.values != nil {
				t.Errorf("told of %s, want %s", where, tt.port)
			}
			if strings.Contains(tt.want, "RELAY") && (a.witness == nil || a.values["url"] != got) {
				t.Errorf("witness %v, {url} %s", a.witness, a.values["url"])
			}
		})
	}
}

func TestVariablesForAFrameworkAreFilledIn(t *testing.T) {
	t.Setenv("DATABASE_URL", "postgres://u:p%2F@db.test/app")
	a, err := sidecarFlags{relay: "off"}.openAppDatabase(t.Context(), homing.Env{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	got, err := a.expand([]string{"DB_HOST={host}", "DB_PORT={port}", "DB_USER={user}", "DB_PASSWORD={password}", "DB_NAME={database}", "OTHER={other}"})
	if want := "DB_HOST=db.test DB_PORT=5432 DB_USER=u DB_PASSWORD=p/ DB_NAME=app OTHER={other}"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %v, %v", got, err)
	}
}
