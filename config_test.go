package homing

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWithoutARegionTheHandlerIsReturned(t *testing.T) {
	mux := http.NewServeMux()
	for _, cfg := range []Config{{}, {PrimaryRegion: "ams"}, {Wait: -1, Env: in()}} {
		if got := newSite(t, cfg).Handler(mux); got != http.Handler(mux) {
			t.Errorf("%+v: got %T, want the mux itself", cfg, got)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name string
		cfg  Config
		want string
	}{
		{"a region without a primary", Config{Region: "ord"}, "set PRIMARY_REGION"},
		{"a group as region", Config{Region: "eu", PrimaryRegion: "ams"}, `"eu" is a group`},
		{"a group as primary region", Config{Region: "ord", PrimaryRegion: "eu"}, `"eu" is a group`},
		{"a region that is none", Config{Region: "o;d", PrimaryRegion: "ams"}, `region "o;d"`},
		{"a primary region that is none", Config{Region: "ord", PrimaryRegion: "a,b"}, `region "a,b"`},
		{"a region in capitals", Config{Region: "ord", PrimaryRegion: "AMS"}, `want "ams"`},
		{"a negative wait", Config{Env: replicaIn(), Wait: -1}, "Wait is negative"},
		{"a negative hold", Config{Env: replicaIn(), Hold: -1}, "Hold is negative"},
		{"a negative window", Config{Env: replicaIn(), Window: -1}, "Window is negative"},
		{"a negative life", Config{Env: replicaIn(), TokenLife: -1}, "TokenLife is negative"},
		{"a short secret", Config{Env: replicaIn(), Secret: "hunter2"}, "Secret: secret 1 of the list has 7 bytes"},
		{"a domain that is none", Config{Env: replicaIn(), CookieDomain: "a b"}, "CookieDomain"},
		{"a bad write route", Config{Env: replicaIn(), WriteRoutes: []string{"GET logout"}}, `WriteRoutes: "GET logout"`},
		{"an empty route", Config{Env: replicaIn(), ReadRoutes: []string{""}}, `ReadRoutes: ""`},
		{"a route that is both", Config{Env: replicaIn(), WriteRoutes: []string{"GET /a"}, ReadRoutes: []string{"GET /a"}}, `ReadRoutes: "GET /a"`},
		{"routes that overlap", Config{Env: replicaIn(), WriteRoutes: []string{"/a/{x}"}, ReadRoutes: []string{"/{x}/a"}}, "conflicts"},
	} {
		_, err := New(tt.cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the secret is quoted: %v", tt.name, err)
		}
	}
}

func TestNewNamesAllThatIsWrong(t *testing.T) {
	_, err := New(Config{Region: "eu", Wait: -1, Secret: "short", WriteRoutes: []string{"x y z"}})
	for _, want := range []string{"eu", "PRIMARY_REGION", "Wait", "Secret", "WriteRoutes"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

func TestTheLogSaysWhereASettingCameFrom(t *testing.T) {
	log, lines := logTo()
	env := in("FLY_REGION", "ord", "HOMING_PRIMARY_REGION", "cdg", "HOMING_SECRET", "0123456789abcdef")
	s := newSite(t, Config{Env: env, Region: "gru", Hold: 10, Logger: log})
	for _, want := range []string{
		`region="gru (config)"`, `primary_region="cdg (HOMING_PRIMARY_REGION)"`, `hold="10 (config)"`,
		`secret="1, hidden (HOMING_SECRET)"`,
	} {
		if !strings.Contains(lines.String(), want) {
			t.Errorf("the log lacks %s: %s", want, lines)
		}
	}
	if strings.Contains(lines.String(), "0123456789abcdef") {
		t.Errorf("the log quotes the secret: %s", lines)
	}
	if s.cfg.Region != "gru" {
		t.Errorf("region %q: the struct should win", s.cfg.Region)
	}
}

func TestTheSecretOfTheStructWins(t *testing.T) {
	env := in("FLY_REGION", "ord", "HOMING_SECRET", "environment-secret")
	s := newSite(t, Config{Env: env, Secret: "a-secret-of-the-struct"})
	if _, err := s.keys.Open(sealedBy(env.Keys, s.window().Token)); err == nil {
		t.Error("a token signed with the environment's secret is accepted")
	}
}

func TestAWaitIsAsLongAsTheWayHome(t *testing.T) {
	for _, tt := range []struct {
		name     string
		cfg      Config
		min, max time.Duration
	}{
		{"by the places", Config{Region: "ord", PrimaryRegion: "ams"}, 90 * time.Millisecond, 100 * time.Millisecond},
		{"a place not known", Config{Region: "fra-1", PrimaryRegion: "ams"}, unknownWait, unknownWait},
		{"the same region", Config{Region: "fra-1", PrimaryRegion: "fra-1"}, time.Millisecond, time.Millisecond},
		{"said", Config{Region: "ord", PrimaryRegion: "ams", Wait: time.Minute}, time.Minute, time.Minute},
	} {
		if got := newSite(t, tt.cfg).cfg.patience(tt.cfg.PrimaryRegion); got < tt.min || got > tt.max {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestSeveralSitesInOneProcess(t *testing.T) {
	a := newSite(t, Config{Env: primaryIn()}).Handler(http.HandlerFunc(hello))
	b := newSite(t, Config{Env: replicaIn()}).Handler(http.HandlerFunc(hello))
	if res := do(a, request("POST", "/")); res.StatusCode != 200 {
		t.Errorf("the primary answers %d", res.StatusCode)
	}
	if res := do(b, request("POST", "/")); sentHome(res) != "method" {
		t.Errorf("the replica answers %d %v", res.StatusCode, res.Header)
	}
}
