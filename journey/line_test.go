package journey_test

import (
	"strings"
	"testing"
	"time"

	"homing/decision"
	"homing/journey"
)

func TestLine(t *testing.T) {
	at := time.Date(2026, 1, 2, 4, 5, 6, 7_800_000, time.Local)
	for _, tt := range []struct {
		name string
		r    journey.Record
		want string
	}{
		{"a write that went home", journey.Record{
			Start: at, Duration: 123450 * time.Microsecond, Method: "POST", Path: "/entries", Status: 201,
			Hops: []journey.Hop{{Region: "gru", Decision: decision.Decision{Reason: decision.Method}}, {Region: "ord"}},
		}, `04:05:06.007     123.5 ms  201       POST "/entries"  gru → ord  (gru: ` + decision.Method.Words() + `)`},
		{"nobody answered", journey.Record{
			Start: at, Method: "GET", Path: "/", Status: 502, Code: "PU02", Hops: []journey.Hop{{Region: "gru", Problem: "refused"}},
		}, `04:05:06.007       0.0 ms  502 PU02  GET "/"  gru  (gru: refused)`},
		{"nobody was asked", journey.Record{Start: at, Method: "GET", Path: "/", Status: 400}, `04:05:06.007       0.0 ms  400       GET "/"  `},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.r.Line(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestALineIsOneLine, whatever clients send: it is for a terminal.
func TestALineIsOneLine(t *testing.T) {
	r := journey.Record{Method: "G\x1b[2JET\n", Path: "/a\x1b]0;b\x07\r\nc\u202e"}
	if got := r.Line(); strings.ContainsAny(got, "\x1b\x07\r\n\u202e") {
		t.Errorf("%q", got)
	}
}
