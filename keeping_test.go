package homing

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"homing/machine"
)

// TestAnEdgeIsToldForHowLongConnectionsAreKept, as the server has it.
func TestAnEdgeIsToldForHowLongConnectionsAreKept(t *testing.T) {
	for name, tt := range map[string]struct {
		env        Env
		idle, read time.Duration
		want       string
	}{
		"for ever":                      {replicaIn(), 0, 0, "timeout=300"},
		"for a time":                    {replicaIn(), 90 * time.Second, time.Second, "timeout=90"},
		"as long as a read may take":    {replicaIn(), 0, 2500 * time.Millisecond, "timeout=2"},
		"for a day":                     {replicaIn(), 24 * time.Hour, 0, "timeout=300"},
		"for a moment":                  {replicaIn(), 999 * time.Millisecond, 0, ""},
		"and nobody else of our making": {in("FLY_REGION", "gru", "PRIMARY_REGION", "ams"), 0, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, Config{Env: tt.env, Database: newDB(machine.Replica, "5")})
			server := httptest.NewUnstartedServer(s.Handler(http.HandlerFunc(hello)))
			server.Config.IdleTimeout, server.Config.ReadTimeout = tt.idle, tt.read
			server.Start()
			defer server.Close()
			for range 2 {
				resp, err := server.Client().Get(server.URL)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if got := resp.Header.Get("Keep-Alive"); got != tt.want {
					t.Errorf("Keep-Alive: %q, want %q", got, tt.want)
				}
			}
		})
	}
}
