package dev_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"homing/dev"
	"homing/region"
)

// cannotWrite fails the test if a write gets through: it waits for the primary, and is
// given up soon.
func (v *visitor) cannotWrite(text string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.base+"/entries", strings.NewReader(`{"author":"test","text":"`+text+`"}`))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := v.client.Do(req)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode < http.StatusInternalServerError {
		v.t.Errorf("a write through a cut was answered with %s", resp.Status)
	}
}

// testCut cuts gru off from ord, the primary, and ams.
func testCut(t *testing.T, w *dev.World) {
	inside, outside := newVisitor(t, w, "gru"), newVisitor(t, w, "ams")
	inside.write("before the cut") // a connection to ord is open now
	turn(t, w.CatchUp(t.Context()))
	turn(t, w.Cut("gru", true))
	if s := w.Statuses()[1]; !s.Cut || !s.Running || w.Statuses()[0].Cut {
		t.Errorf("%+v", w.Statuses())
	}
	inside.cannotWrite("from inside")
	if l := newVisitor(t, w, "gru").list(); l.Region != "gru" || l.has("before the cut") != 1 {
		t.Errorf("a read inside: %+v", l)
	}
	outside.write("from outside")
	turn(t, w.CatchUp(t.Context())) // which does not wait for gru
	if l := outside.list(); l.Region != "ams" || l.has("from outside") != 1 {
		t.Errorf("outside: %+v", l)
	}
	if l := newVisitor(t, w, "gru").list(); l.has("from outside") != 0 {
		t.Errorf("what was written outside has got in: %+v", l)
	}
	if err := w.Promote(t.Context(), "ams"); err == nil {
		t.Error("the primary moved while a region was cut off")
	}

	// What is held back is so when the cut is over, too.
	turn(t, w.Hold("gru", true))
	turn(t, w.Cut("gru", false))
	inside.write("joined")
	if l := newVisitor(t, w, "gru").list(); l.Region != "gru" || l.has("joined") != 0 {
		t.Errorf("not held back any more: %+v", l)
	}
	turn(t, w.Hold("gru", false))
	turn(t, w.CatchUp(t.Context()))
	if l := inside.list(); l.Region != "gru" || l.has("from outside") != 1 || l.has("joined") != 1 || l.has("from inside") != 0 {
		t.Errorf("after all: %+v", l)
	}
}

func TestARegionIsCutOff(t *testing.T) {
	w := startWorld(t, nil)
	testCut(t, w)
	if err := w.Cut("syd", true); err == nil || !strings.Contains(err.Error(), `no region "syd"`) {
		t.Error(err)
	}
}

// TestThePrimarysRegionIsCutOff: nobody else can write, and those there can.
func TestThePrimarysRegionIsCutOff(t *testing.T) {
	w := startWorld(t, func(a, b region.Code) time.Duration { return apart(a, b, time.Millisecond) })
	turn(t, w.Cut("ord", true))
	newVisitor(t, w, "ams").cannotWrite("from outside")
	newVisitor(t, w, "ord").write("here")
	if l := newVisitor(t, w, "ams").list(); l.Region != "ams" || l.has("here") != 0 {
		t.Errorf("%+v", l)
	}
	turn(t, w.Cut("ord", false))
	turn(t, w.CatchUp(t.Context()))
	if l := newVisitor(t, w, "ams").list(); l.Region != "ams" || l.has("here") != 1 {
		t.Errorf("%+v", l)
	}
}
