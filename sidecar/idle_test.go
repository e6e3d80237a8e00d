package sidecar_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"homing/sidecar"
)

// TestAConnectionThatTheAppMayCloseIsNotUsed: some servers close theirs after two idle
// seconds, and a write that meets that cannot be sent again.
func TestAConnectionThatTheAppMayCloseIsNotUsed(t *testing.T) {
	leavesNothing(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-From", r.RemoteAddr) }))
	t.Cleanup(srv.Close)
	synctest.Test(t, func(t *testing.T) { // the server is outside: its connections are real
		app, err := sidecar.NewApp(sidecar.AppConfig{Addr: srv.Listener.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		defer app.Close()
		from := func() string {
			rec := httptest.NewRecorder()
			app.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", nil))
			return rec.Header().Get("X-From")
		}
		first := from()
		time.Sleep(500 * time.Millisecond)
		if second := from(); second != first || first == "" {
			t.Errorf("after half a second the connection was from %q, and not from %q", second, first)
		}
		time.Sleep(1500 * time.Millisecond)
		if third := from(); third == first || third == "" {
			t.Errorf("after a second and a half the connection was from %q again", third)
		}
	})
}
