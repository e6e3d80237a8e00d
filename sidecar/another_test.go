package sidecar_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/edge/misbehave"
	"homing/machine"
	"homing/sidecar"
	"homing/trail"
)

// TestAnEdgeAsksAnotherMachine: what an app that has died did not answer gets no answer
// here if the edge may send it again, and an honest one else.
func TestAnEdgeAsksAnotherMachine(t *testing.T) {
	leavesNothing(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	behind := func(edge bool, seen trail.Mark) string {
		app := newApp(t, l.Addr().String(), func(c *sidecar.AppConfig) { c.Edge, c.Witness = edge, always(seen) })
		return serving(t, newSite(t, "gru", newDB(machine.Replica, "1")).Handler(app)).URL
	}
	for _, tt := range []struct {
		behaviour, method, source string
		edge                      bool
		seen                      trail.Mark
		want                      string
	}{
		{"a read", "GET", "", true, 0, "EOF"},
		{"a read without a body", "HEAD", "", true, 0, "EOF"},
		{"a read that has come from elsewhere", "GET", "region=ams", true, 0, "503"},
		{"a read that nobody would send again", "GET", "", false, 0, "503"},
		{"a read that may have written", "GET", "", true, trail.Wrote, "503"},
		{"a read that goes home", "GET", "", true, trail.Refused, "409"},
	} {
		if got := outcome(t, tt.method, behind(tt.edge, tt.seen), tt.source); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s ends with %s, want %s", tt.behaviour, got, tt.want)
		}
	}
	primary := newSite(t, "ord", newDB(machine.Primary, "1"))
	app := newApp(t, l.Addr().String(), func(c *sidecar.AppConfig) { c.Edge = true })
	if got := outcome(t, "POST", serving(t, primary.Handler(app)).URL, ""); !strings.HasPrefix(got, "503") {
		t.Errorf("a write ends with %s, want 503", got)
	}
}

// TestAnAppBehindAnEdgeThatBreaksOff: no other machine is asked where the app has begun to
// answer, or may have written.
func TestAnAppBehindAnEdgeThatBreaksOff(t *testing.T) {
	for _, tt := range []struct {
		behaviour, method string
		last              misbehave.Step
		want              string
	}{
		{"a read that was begun", "GET", misbehave.Reset(), "EOF"},
		{"a write that was begun", "POST", misbehave.Reset(), "502"},
		{"an answer that is none", "GET", misbehave.Say("hello\r\n\r\n"), "502"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			leavesNothing(t)
			m := misbehave.NewMachine(t, misbehave.Head(), tt.last, misbehave.End())
			srv := serving(t, newApp(t, m.Addr, func(c *sidecar.AppConfig) { c.Edge = true }))
			if got := outcome(t, tt.method, srv.URL+"/", ""); !strings.HasPrefix(got, tt.want) || m.Deliveries("/") != 1 {
				t.Errorf("it ends with %s after %d deliveries, want %s after one", got, m.Deliveries("/"), tt.want)
			}
		})
	}
}

// always is a witness that sees the same of each request.
type always trail.Mark

func (a always) Since(time.Time) trail.Mark { return trail.Mark(a) }

// outcome is the status of an answer, or why there is none.
func outcome(t *testing.T, method, url, source string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Fly-Region", "gru") // an edge is in front
	if source != "" {
		req.Header.Set("Fly-Replay-Src", source)
	}
	tr := &http.Transport{DisableKeepAlives: true}
	defer tr.CloseIdleConnections()
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprint(resp.StatusCode, string(body), err)
}
