package dev_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/dev"
	"homing/machine"
	"homing/region"
)

// TestThePrimaryMovesUnderWrites: nothing that was acknowledged is lost, nothing is
// there twice, and the app goes on without a restart.
func TestThePrimaryMovesUnderWrites(t *testing.T) {
	w := startCluster(t, func(a, b region.Code) time.Duration { return apart(a, b, 40*time.Millisecond) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ledger := ledger{acknowledged: make(map[string]bool), more: make(chan struct{})}
	var writers sync.WaitGroup
	for _, r := range codes {
		v := newVisitor(t, w, r)
		writers.Go(func() { ledger.keep(ctx, v, r) })
	}
	for _, to := range []region.Code{"gru", "ord", "ams"} { // back, too
		ledger.awaitMore(t, 20)
		turn(t, w.Promote(t.Context(), to))
	}
	ledger.awaitMore(t, 20)
	cancel()
	writers.Wait()
	turn(t, w.CatchUp(t.Context()))
	ledger.compare(t, w)
	for _, f := range ledger.failed {
		t.Errorf("a write failed, which should have waited: %s", f)
	}

	v := newVisitor(t, w, "gru")
	if at := lastHop(t, w, v.write("after")); at != "ams" {
		t.Errorf("a write from gru ended in %s; want ams", at)
	}
	turn(t, w.CatchUp(t.Context()))
	if l := v.list(); l.Region != "gru" || l.has("after") != 1 {
		t.Errorf("the writer got %d from %s; want 1 from gru", l.has("after"), l.Region)
	}
	for _, s := range w.Statuses() {
		want := machine.Replica
		if s.Region == "ams" {
			want = machine.Primary
		}
		if s.Role != want || s.Primary != (s.Region == "ams") || s.Problem != "" {
			t.Errorf("%+v; want a %s", s, want)
		}
	}
}

// ledger is what was written.
type ledger struct {
	mu           sync.Mutex
	acknowledged map[string]bool
	more         chan struct{} // closed and made anew at each
	failed       []string
}

func (l *ledger) keep(ctx context.Context, v *visitor, r region.Code) {
	for n := 0; ctx.Err() == nil; n++ {
		text := fmt.Sprintf("%s %d", r, n)
		resp, err := v.client.Post(v.base+"/entries", "application/json", strings.NewReader(fmt.Sprintf(`{"text":%q}`, text)))
		if err != nil {
			l.fail(text, err)
			continue
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusCreated {
			l.fail(text, fmt.Errorf("%s: %s", resp.Status, answer))
			continue
		}
		l.mu.Lock()
		l.acknowledged[text] = true
		close(l.more)
		l.more = make(chan struct{})
		l.mu.Unlock()
	}
}

func (l *ledger) fail(text string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = append(l.failed, fmt.Sprintf("%s: %v", text, err))
}

// awaitMore waits for n more acknowledgements.
func (l *ledger) awaitMore(t *testing.T, n int) {
	t.Helper()
	patience := time.After(15 * time.Second)
	for want := -1; ; {
		l.mu.Lock()
		more, count := l.more, len(l.acknowledged)
		l.mu.Unlock()
		if want < 0 {
			want = count + n
		}
		if count >= want {
			return
		}
		select {
		case <-more:
		case <-patience:
			t.Fatal("nobody can write any more")
		}
	}
}

// compare looks in every region's database.
func (l *ledger) compare(t *testing.T, w *dev.World) {
	for _, r := range codes {
		rows, err := w.Database(r).SQL().Query("SELECT text, count(*) FROM entries GROUP BY text")
		if err != nil {
			t.Fatal(err)
		}
		there := make(map[string]int)
		for rows.Next() {
			var text string
			var n int
			if err := rows.Scan(&text, &n); err != nil {
				t.Fatal(err)
			}
			there[text] = n
			if n != 1 {
				t.Errorf("%s: %q is there %d times", r, text, n)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for text := range l.acknowledged {
			if there[text] != 1 {
				t.Errorf("%s: %q was acknowledged, and is not there", r, text)
			}
		}
		t.Logf("%s: %d acknowledged, %d there", r, len(l.acknowledged), len(there))
	}
}

// allTake reports whether changes take at least so long to get to every replica.
func allTake(w *dev.World, oneWay time.Duration) bool {
	for _, s := range w.Statuses() {
		if s.Region != "ord" && s.Lag < oneWay {
			return false
		}
	}
	return true
}

// TestFarAwayOnPostgres: a change takes its way, and one that is on its way when the
// primary moves arrives before.
func TestFarAwayOnPostgres(t *testing.T) {
	const oneWay = 150 * time.Millisecond
	w := startCluster(t, func(a, b region.Code) time.Duration { return apart(a, b, 2*oneWay) })
	v := newVisitor(t, w, "ord")
	v.write("takes its time")
	turn(t, w.CatchUp(t.Context()))
	// PostgreSQL measures some of the changes only; what it says may be of an earlier one.
	for n := 0; n < 20 && !allTake(w, oneWay); n++ {
		v.write(fmt.Sprint("takes its time ", n))
		turn(t, w.CatchUp(t.Context()))
	}
	if !allTake(w, oneWay) {
		t.Errorf("changes arrive sooner than in %v: %+v", oneWay, w.Statuses())
	}

	turn(t, w.Hold("ams", true)) // who is held back must not keep the primary from moving
	v.write("on its way")
	turn(t, w.Promote(t.Context(), "gru"))
	if l := newVisitor(t, w, "gru").list(); l.Region != "gru" || l.has("on its way") != 1 {
		t.Errorf("%d in %s; want 1 in gru", l.has("on its way"), l.Region)
	}
	if l := newVisitor(t, w, "ams").list(); l.Region != "ams" || l.has("on its way") != 0 {
		t.Errorf("%d in %s; want none in ams, which is held back", l.has("on its way"), l.Region)
	}
	turn(t, w.Hold("ams", false))
	turn(t, w.CatchUp(t.Context()))
	if l := newVisitor(t, w, "ams").list(); l.Region != "ams" || l.has("on its way") != 1 {
		t.Errorf("%d in %s; want 1 in ams", l.has("on its way"), l.Region)
	}
}

// TestAPrimaryThatFailedIsReplaced: its machine is stopped, and comes back as a
// replica; so does one that missed the promotion.
func TestAPrimaryThatFailedIsReplaced(t *testing.T) {
	w := startCluster(t, nil)
	v := newVisitor(t, w, "ams")
	v.write("before")
	turn(t, w.CatchUp(t.Context()))
	for _, r := range []region.Code{"ord", "gru"} {
		turn(t, w.Run(t.Context(), r, false))
	}
	for r, want := range map[region.Code]string{"gru": "stopped", "ord": "already", "syd": "no region"} {
		if err := w.Promote(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("promoting %s: %v; want an error that says %q", r, err, want)
		}
	}
	turn(t, w.Promote(t.Context(), "ams"))
	v.write("after")
	for _, r := range []region.Code{"ord", "gru"} {
		turn(t, w.Run(t.Context(), r, true))
	}
	turn(t, w.CatchUp(t.Context()))
	for _, r := range []region.Code{"ord", "gru"} {
		if l := newVisitor(t, w, r).list(); l.Region != r || l.has("before") != 1 || l.has("after") != 1 {
			t.Errorf("%s: %+v; want both entries, from there", r, l)
		}
	}
	turn(t, w.Hold("gru", true))
	if err := w.Promote(t.Context(), "gru"); err == nil || !strings.Contains(err.Error(), "held back") {
		t.Errorf("promoting one that is held back: %v", err)
	}
}

func TestThePrimaryOfFilesCannotMove(t *testing.T) {
	w := startWorld(t, nil)
	if err := w.Promote(t.Context(), "gru"); err == nil || w.CanPromote() {
		t.Errorf("it could, with error %v", err)
	}
}
