package dev_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"homing/dev"
	"homing/health"
	"homing/region"
)

// TestChecksThatAreShownDecideNothing: a machine that fails them gets requests.
func TestChecksThatAreShownDecideNothing(t *testing.T) {
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"region":"outside"}`) }))
	t.Cleanup(outside.Close)
	w := startProcesses(t, func(c *dev.Config) {
		c.Regions = []region.Code{"ord", "gru"}
		c.Machines = map[region.Code]int{"gru": 1}
		c.Outside = []dev.Outside{{Region: "gru", Addr: strings.TrimPrefix(outside.URL, "http://")}}
		c.Shown = []dev.Shown{
			{Name: "metrics", Unasked: "not here"},
			{Name: "up", Check: health.Check{Path: "/up", Interval: 20 * time.Millisecond}},
		}
	})
	is := func(m dev.MachineStatus, want string) bool {
		return fmt.Sprintf("%+v", m.Checks) == "[{Name:metrics Finding:{Known:false Problem:not here Output:}} {Name:up Finding:"+want+"}]"
	}
	const fails = "{Known:true Problem:the check GET /up was answered with 503; want 2xx Output:}"
	awaitStatus(t, w, "ord", func(s dev.Status) bool { return is(s.Machines[0], "{Known:true Problem: Output:}") })
	awaitStatus(t, w, "gru", func(s dev.Status) bool {
		return is(s.Machines[0], `{Known:true Problem: Output:{"region":"outside"}}`) && is(s.Machines[1], "{Known:true Problem: Output:}")
	})
	v := newVisitor(t, w, "ord")
	v.get("/ill")
	s := awaitStatus(t, w, "ord", func(s dev.Status) bool { return is(s.Machines[0], fails) })
	if s.Problem != "" || !s.Machines[0].Ready {
		t.Errorf("%+v", s)
	}
	if got := v.ask("GET", "/"); got.Region != "ord" {
		t.Errorf("%+v answered", got)
	}
	turn(t, w.Run(t.Context(), "ord", false))
	if s := w.Statuses()[0]; !is(s.Machines[0], "{Known:false Problem: Output:}") {
		t.Errorf("of a machine that is stopped is known %+v", s.Machines[0].Checks)
	}
	turn(t, w.Run(t.Context(), "ord", true))
	awaitStatus(t, w, "ord", func(s dev.Status) bool { return is(s.Machines[0], "{Known:true Problem: Output:}") })
}
