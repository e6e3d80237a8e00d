package fleet_test

import (
	"strings"
	"testing"
	"time"

	"homing/fleet"
	"homing/replay"
)

func TestOptionsThatCannotBe(t *testing.T) {
	below := func(path string) replay.Pattern { return replay.Pattern{Path: path} }
	for _, tt := range []struct {
		name    string
		options fleet.Options
		want    string // in the error; empty: none
	}{
		{"none", fleet.Options{}, ""},
		{"a negative limit", fleet.Options{BodyLimit: -1}, "negative"},
		{"a negative timeout", fleet.Options{IdleTimeout: -time.Second}, "negative"},
		{"an added header", fleet.Options{Answer: []fleet.AnswerHeader{{Name: "x-frame-options", Values: []string{"DENY"}}}}, ""},
		{"a header that frames", fleet.Options{Answer: []fleet.AnswerHeader{{Name: "content-length"}}}, "Content-Length"},
		{"a header of the protocol", fleet.Options{Answer: []fleet.AnswerHeader{{Name: "fly-replay"}}}, "Fly-Replay"},
		{"a header of ours", fleet.Options{Answer: []fleet.AnswerHeader{{Name: "homing-position"}}}, "Homing-Position"},
		{"a header with a blank", fleet.Options{Answer: []fleet.AnswerHeader{{Name: "x y"}}}, `"x y"`},
		{"a value with a line feed", fleet.Options{Answer: []fleet.AnswerHeader{{Name: "X-A", Values: []string{"a\nb"}}}}, "control character"},
		{"a session by cookie", fleet.Options{Sessions: []fleet.Session{{Pattern: below("/"), TTL: 10 * time.Second, Cookie: "sid"}}}, ""},
		{"a session without a path", fleet.Options{Sessions: []fleet.Session{{TTL: 10 * time.Second, Cookie: "sid"}}}, "no path"},
		{"a session too short", fleet.Options{Sessions: []fleet.Session{{Pattern: below("/"), TTL: 9 * time.Second, Cookie: "sid"}}}, "least is 10s"},
		{"a session by nothing", fleet.Options{Sessions: []fleet.Session{{Pattern: below("/"), TTL: time.Minute}}}, "cookie or of a header"},
		{"a session by both", fleet.Options{Sessions: []fleet.Session{{Pattern: below("/"), TTL: time.Minute, Cookie: "a", Header: "b"}}}, "not both"},
		{"a session by a strange name", fleet.Options{Sessions: []fleet.Session{{Pattern: below("/"), TTL: time.Minute, Cookie: "a;b"}}}, "a;b"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := fleet.New(nil).SetApps(fleet.App{Name: "shop", Options: tt.options})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func TestOptionsOfAnAppAreItsOwn(t *testing.T) {
	values := []string{"DENY"}
	s := described(t, fleet.App{Name: "shop", Options: fleet.Options{Answer: []fleet.AnswerHeader{{Name: "x-frame-options", Values: values}}}})
	values[0] = "changed"
	app, _ := s.App("shop")
	if h := app.Options.Answer[0]; h.Name != "X-Frame-Options" || h.Values[0] != "DENY" {
		t.Errorf("got %+v", h)
	}
	if got := app.Options.Idle(); got != fleet.DefaultIdleTimeout {
		t.Errorf("idle timeout %v", got)
	}
}
