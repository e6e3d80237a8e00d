package postgres

import (
	"bytes"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"homing/machine"
	"homing/region"
)

// libpqs are the variables that pgx reads from the process itself.
var libpqs = []string{"PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSERVICE", "PGAPPNAME", "PGCONNECT_TIMEOUT", "PGSSLMODE", "PGPASSFILE"}

func withoutLibpq(t *testing.T) {
	for _, name := range libpqs {
		t.Setenv(name, "")
	}
}

func in(r region.Code) machine.Env { return machine.Env{Region: r, PrimaryRegion: "ord"} }

func lookup(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// primaryURL is the primary's where a test does not say otherwise.
const primaryURL = "postgres://app:geheim@primary.example:5432/shop"

func TestRules(t *testing.T) {
	withoutLibpq(t)
	for _, tt := range []struct {
		behaviour string
		env       machine.Env
		vars      map[string]string
		rule      Rule
		host      string // with its port
	}{
		{"without regions the one URL counts", machine.Env{}, map[string]string{"DATABASE_REPLICA_URL": "postgres://r/d"}, WithoutRegions, "primary.example 5432"},
		{"a primary region alone is none", machine.Env{PrimaryRegion: "ord"}, nil, WithoutRegions, "primary.example 5432"},
		{"switched off the one URL counts", machine.Env{Region: "gru", PrimaryRegion: "ord"}, map[string]string{"HOMING_MODE": "off", "DATABASE_REPLICA_URL": "postgres://r/d"}, WithoutDeciding, "primary.example 5432"},
		{"observing in one region needs no PRIMARY_REGION", machine.Env{Region: "gru"}, map[string]string{"HOMING_MODE": "Observe"}, WithoutDeciding, "primary.example 5432"},
		{"the primary's region reads the primary", in("ord"), map[string]string{"DATABASE_REPLICA_URL": "postgres://r/d", "DATABASE_URL_GRU": "postgres://g/d"},
			InPrimaryRegion, "primary.example 5432"},
		{"it may have a server of its own, too", in("ord"), map[string]string{"DATABASE_URL_ORD": "postgres://o/d"}, ByRegionURL, "o 5432"},
		{"a region's own URL comes first", in("gru"), map[string]string{"DATABASE_URL_GRU": "postgres://g/d", "DATABASE_REPLICA_URL": "postgres://r/d",
			"DATABASE_REPLICA_URLS": "postgres://l/d"}, ByRegionURL, "g 5432"},
		{"a region of one's own has an underscore there", in("fra-1"), map[string]string{"DATABASE_URL_FRA_1": "postgres://f/d"}, ByRegionURL, "f 5432"},
		{"another region's URL does not count", in("gru"), map[string]string{"DATABASE_URL_AMS": "postgres://a/d", "DATABASE_REPLICA_URL": "postgres://r:7/d"},
			ByReplicaURL, "r 7"},
		{"a replica's URL comes before a list", in("gru"), map[string]string{"DATABASE_REPLICA_URL": "host=r port=6", "DATABASE_REPLICA_URLS": "postgres://l/d"},
			ByReplicaURL, "r 6"},
		{"blanks are no URL", in("gru"), map[string]string{"DATABASE_URL_GRU": " \n", "DATABASE_REPLICA_URL": "\tpostgres://r/d\n"}, ByReplicaURL, "r 5432"},
		{"a list has this region", in("gru"), map[string]string{"DATABASE_REPLICA_URLS": "ams=postgres://a/d GRU=postgres://g/d"}, ByListedRegion, "g 5432"},
		{"a list has a region of one's own", in("fra-1"), map[string]string{"DATABASE_REPLICA_URLS": "ams=postgres://a/d,fra-1=postgres://f/d"}, ByListedRegion, "f 5432"},
		{"a list has a region nearby", in("gig"), map[string]string{"DATABASE_REPLICA_URLS": "ams=postgres://a/d,gru=postgres://g/d,nrt=postgres://n/d"},
			ByNearestRegion, "g 5432"},
		{"a list of one", in("gru"), map[string]string{"DATABASE_REPLICA_URLS": "postgres://l/d"}, ByOnlyURL, "l 5432"},
		{"a list of one in a place unknown", in("fra-1"), map[string]string{"DATABASE_REPLICA_URLS": "ams=postgres://a/d"}, ByOnlyURL, "a 5432"},
		{"a list without regions", in("gru"), map[string]string{"DATABASE_REPLICA_URLS": "postgres://l/d,postgres://m/d"}, ByShortestConnect, "l 5432"},
		{"a list of places unknown", in("fra-1"), map[string]string{"DATABASE_REPLICA_URLS": "ams=postgres://a/d,x-1=postgres://x/d"}, ByShortestConnect, "a 5432"},
		{"a list comes before Fly's port", in("gru"), map[string]string{"DATABASE_URL": "postgres://db.internal/d", "DATABASE_REPLICA_URLS": "postgres://l/d"}, ByOnlyURL, "l 5432"},
		{"Fly Postgres", in("gru"), map[string]string{"DATABASE_URL": "postgres://u:p@top2.nearest.of.db.internal:5432/d"}, ByReplicaPort, "top2.nearest.of.db.internal 5433"},
		{"Fly Postgres without a port", in("gru"), map[string]string{"DATABASE_URL": "postgres://u:p@db.flycast/d?sslmode=disable"}, ByReplicaPort, "db.flycast 5433"},
		{"Fly Postgres as keywords", in("gru"), map[string]string{"DATABASE_URL": "host=db.internal port=5432 user=u"}, ByReplicaPort, "db.internal 5433"},
		{"Fly Postgres with two hosts", in("gru"), map[string]string{"DATABASE_URL": "postgres://a.internal,b.internal:5432/d"}, ByReplicaPort, "a.internal,b.internal 5433,5433"},
		{"Fly Postgres behind a tunnel", in("gru"), map[string]string{"DATABASE_URL": "postgres://u:p@[::1]/d"}, ByReplicaPort, "::1 5433"},
		{"several hosts are left to pgx", in("gru"), map[string]string{"DATABASE_REPLICA_URL": "postgres://a,b:6000/d?target_session_attrs=standby"}, ByReplicaURL, "a,b 5432,6000"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			if tt.vars == nil {
				tt.vars = map[string]string{}
			}
			if tt.vars["DATABASE_URL"] == "" {
				tt.vars["DATABASE_URL"] = primaryURL
			}
			c, err := ParseConfigFrom(tt.env, lookup(tt.vars))
			if err != nil {
				t.Fatal(err)
			}
			hosts, ports := place(&c.Pool.ConnConfig.Config)
			if c.Rule != tt.rule || hosts+" "+ports != tt.host {
				t.Errorf("%s: %s %s, want %s: %s", c.Rule, hosts, ports, tt.rule, tt.host)
			}
			want, err := parse("", tt.vars["DATABASE_URL"])
			if err != nil || !samePlace(c.Primary, want) {
				t.Errorf("the primary is at %s (%v)", c.Primary.ConnConfig.Host, err)
			}
			if tt.rule != WithoutDeciding && (c.Region != tt.env.Region || c.PrimaryRegion != tt.env.PrimaryRegion) {
				t.Errorf("regions %q and %q", c.Region, c.PrimaryRegion)
			}
		})
	}
}

func TestNoDatabase(t *testing.T) {
	withoutLibpq(t)
	const url = "postgres://u:geheim@"
	for _, tt := range []struct {
		behaviour string
		env       machine.Env
		vars      map[string]string
		want      []string
	}{
		{"nothing is set", machine.Env{}, nil, []string{"DATABASE_URL is not set", "postgres://user:password@host"}},
		{"only a replica is set", in("gru"), map[string]string{"DATABASE_REPLICA_URL": url + "r/d"}, []string{"DATABASE_URL is not set"}},
		{"a region without a replica", in("gru"), map[string]string{"DATABASE_URL": url + "db.example/d"},
			[]string{`"gru"`, "DATABASE_URL_GRU", "DATABASE_REPLICA_URL", "DATABASE_REPLICA_URLS", "db.example", "5433", "set one"}},
		{"Fly's host at another port", in("gru"), map[string]string{"DATABASE_URL": url + "db.internal:6432/d"}, []string{`"gru"`, "6432"}},
		{"only one host is Fly's", in("gru"), map[string]string{"DATABASE_URL": url + "a.internal,b.example/d"}, []string{`"gru"`, "b.example"}},
		{"a host that only begins like Fly's", in("gru"), map[string]string{"DATABASE_URL": url + "a.internal.example/d"}, []string{`"gru"`}},
		{"nobody says where the primary is", machine.Env{Region: "gru"}, map[string]string{"DATABASE_URL": url + "h/d"}, []string{`"gru"`, "PRIMARY_REGION"}},
		{"a bad URL is not skipped", in("gru"), map[string]string{"DATABASE_URL": url + "h/d", "DATABASE_URL_GRU": url + "h:x/d", "DATABASE_REPLICA_URL": url + "r/d"},
			[]string{"DATABASE_URL_GRU", "port"}},
		{"a bad primary counts everywhere", in("gru"), map[string]string{"DATABASE_URL": url + "h:x/d", "DATABASE_REPLICA_URL": url + "r/d"}, []string{"DATABASE_URL:", "port"}},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			_, err := ParseConfigFrom(tt.env, lookup(tt.vars))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %s", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "geheim") {
				t.Errorf("%q", err)
			}
		})
	}
}

func TestTheVariablesOfLibpqStandForAnEmptyURL(t *testing.T) {
	withoutLibpq(t)
	t.Setenv("PGHOST", "db.internal")
	t.Setenv("PGPASSWORD", "geheim")
	t.Setenv("PGAPPNAME", "shop")
	t.Setenv("PRIMARY_REGION", "ord")
	c, err := ParseConfig(in("gru"))
	if err != nil {
		t.Fatal(err)
	}
	if at := c.Pool.ConnConfig; at.Host != "db.internal" || at.Port != 5433 || at.Password != "geheim" || c.Primary.ConnConfig.Port != 5432 {
		t.Errorf("%v", c)
	}
	if name := c.Pool.ConnConfig.RuntimeParams["application_name"]; name != "shop" {
		t.Errorf("application_name %q", name)
	}
}

// What the primary must be says nothing of the replica at the port beside it.
func TestAReplicasPortNeedsNoPrimary(t *testing.T) {
	withoutLibpq(t)
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{"DATABASE_URL": "postgres://db.internal/d?target_session_attrs=primary"}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Pool.ConnConfig.ValidateConnect != nil || c.Primary.ConnConfig.ValidateConnect == nil {
		t.Error("target_session_attrs counts for the wrong one")
	}
	for _, f := range c.Pool.ConnConfig.Fallbacks { // without TLS
		if f.Port != 5433 {
			t.Errorf("without TLS it leads to port %d", f.Port)
		}
	}
}

func TestDefaults(t *testing.T) {
	withoutLibpq(t)
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{
		"DATABASE_URL":         primaryURL + "?pool_min_conns=3&pool_min_idle_conns=2&connect_timeout=0",
		"DATABASE_REPLICA_URL": "postgres://r/d?pool_max_conns=7&pool_min_conns=2&pool_ping_timeout=300ms&connect_timeout=1&application_name=shop&sslmode=disable",
	}))
	if err != nil {
		t.Fatal(err)
	}
	far, near := c.Primary, c.Pool
	if far.ConnConfig.ConnectTimeout != connectTimeout || far.PingTimeout != pingTimeout || far.ConnConfig.RuntimeParams["application_name"] != "homing/gru" {
		t.Errorf("what is open: %v, %v, %v", far.ConnConfig.ConnectTimeout, far.PingTimeout, far.ConnConfig.RuntimeParams)
	}
	if far.MinConns != 0 || far.MinIdleConns != 0 {
		t.Errorf("%d and %d connections would be kept in stock far away", far.MinConns, far.MinIdleConns)
	}
	if near.ConnConfig.ConnectTimeout != time.Second || near.PingTimeout != 300*time.Millisecond || near.ConnConfig.RuntimeParams["application_name"] != "shop" {
		t.Errorf("what is said: %v, %v, %v", near.ConnConfig.ConnectTimeout, near.PingTimeout, near.ConnConfig.RuntimeParams)
	}
	if near.MaxConns != 7 || near.MinConns != 2 || near.ConnConfig.TLSConfig != nil || len(near.ConnConfig.Fallbacks) != 0 {
		t.Errorf("what the URL says of the pool and of TLS is lost")
	}
	alone, err := ParseConfigFrom(machine.Env{}, lookup(map[string]string{"DATABASE_URL": primaryURL + "?pool_min_conns=3"}))
	if err != nil {
		t.Fatal(err)
	}
	if name := alone.Pool.ConnConfig.RuntimeParams["application_name"]; name != "homing" || alone.Pool.MinConns != 3 {
		t.Errorf("application_name %q, %d connections", name, alone.Pool.MinConns)
	}
	alone.Pool.MaxConns = 77
	if alone.Primary.MaxConns == 77 {
		t.Error("Pool and Primary are one")
	}
}

// The database behind a list is decided when it is opened, and the log says so.
func TestTheLogSaysWhichRuleChose(t *testing.T) {
	withoutLibpq(t)
	closed := listen(t)
	closed.Close()
	open := listen(t)
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{
		"DATABASE_URL":          primaryURL,
		"DATABASE_REPLICA_URLS": "postgres://a:geheim1@" + closed.Addr().String() + "/d1 postgres://b:geheim2@" + open.Addr().String() + "/d2",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	c.Pool.MaxConns = 9
	c.Pool.ConnConfig.RuntimeParams["search_path"] = "shop"
	final := c.settled(t.Context())
	at := final.Pool.ConnConfig
	port := strconv.Itoa(open.Addr().(*net.TCPAddr).Port)
	if at.Host != "127.0.0.1" || strconv.Itoa(int(at.Port)) != port || at.User != "b" || at.Password != "geheim2" || at.Database != "d2" {
		t.Errorf("chose %v, want the one that listens", final)
	}
	if final.Pool.MaxConns != 9 || at.RuntimeParams["search_path"] != "shop" || at.RuntimeParams["application_name"] != "homing/gru" {
		t.Errorf("what the app set is lost: %d, %v", final.Pool.MaxConns, at.RuntimeParams)
	}
	if c.Pool.ConnConfig.User != "a" {
		t.Error("the caller's configuration was changed")
	}
	for _, want := range []string{"level=INFO", `rule="` + string(ByShortestConnect) + `"`, "region=gru", "host=127.0.0.1", "port=" + port, "database=d2", "user=b",
		"primary_host=primary.example", "connect="} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s: %s", want, &log)
		}
	}
	if strings.Count(log.String(), "\n") != 1 || strings.Contains(log.String(), "geheim") {
		t.Errorf("the log: %s", &log)
	}
}

func TestNobodyOfAListAnswers(t *testing.T) {
	withoutLibpq(t)
	closed := listen(t)
	closed.Close()
	url := "postgres://a@" + closed.Addr().String()
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{"DATABASE_URL": primaryURL, "DATABASE_REPLICA_URLS": url + "/one," + url + "/two"}))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c.Logger = slog.New(slog.NewTextHandler(&log, nil))
	if final := c.settled(t.Context()); final.Pool.ConnConfig.Database != "one" {
		t.Errorf("chose %v, want the first", final)
	}
	if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "tried=2") {
		t.Errorf("the log: %s", &log)
	}
}

func TestAPlaceThatTheAppSetIsKept(t *testing.T) {
	withoutLibpq(t)
	open := listen(t)
	c, err := ParseConfigFrom(in("gru"), lookup(map[string]string{"DATABASE_URL": primaryURL,
		"DATABASE_REPLICA_URLS": "postgres://127.0.0.1:1/d postgres://" + open.Addr().String() + "/d"}))
	if err != nil {
		t.Fatal(err)
	}
	c.Logger = slog.New(slog.DiscardHandler)
	c.Pool.ConnConfig.Host = "mine.example"
	if final := c.settled(t.Context()); final.Pool.ConnConfig.Host != "mine.example" {
		t.Errorf("it leads to %v", final)
	}
}

// listen listens for the length of the test, and accepts nobody.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
