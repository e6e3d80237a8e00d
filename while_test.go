package homing

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"homing/machine"
	"homing/primary"
	"homing/replay"
)

func setRole(db *fakeDB, r machine.Role) { db.set(func(db *fakeDB) { db.state.Role = r }) }

// work is a worker that counts where it is.
type work struct{ begun, ended atomic.Int32 }

func (w *work) run(ctx context.Context) error {
	w.begun.Add(1)
	<-ctx.Done()
	w.ended.Add(1)
	return ctx.Err()
}

func (w *work) is(t *testing.T, when string, begun, ended int32) {
	t.Helper()
	synctest.Wait()
	if b, e := w.begun.Load(), w.ended.Load(); b != begun || e != ended {
		t.Errorf("%s: begun %d and ended %d times, want %d and %d", when, b, e, begun, ended)
	}
}

func TestWorkFollowsThePrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := newDB(machine.Replica, "5")
		s := newSite(t, Config{Env: replicaIn(), Database: db})
		ctx, cancel := context.WithCancel(t.Context())
		var w work
		returned := make(chan error, 1)
		go func() { returned <- s.WhilePrimary(ctx, w.run) }()
		settle := func() { time.Sleep(2 * roleInterval) } // in the bubble's time
		settle()
		w.is(t, "a replica", 0, 0)
		setRole(db, machine.Primary)
		settle()
		w.is(t, "promoted", 1, 0)
		setRole(db, machine.None)
		settle()
		w.is(t, "down", 1, 1)
		setRole(db, machine.Primary)
		settle()
		w.is(t, "back", 2, 1)
		cancel()
		if err := <-returned; err != nil {
			t.Errorf("when its context ended: %v", err)
		}
		w.is(t, "over", 2, 2)
	})
}

func TestWorkStopsWhereAnEdgeTellsOfANewerPrimary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := of(newDB(machine.Primary, "5"), "h:1")
		s := newSite(t, Config{Env: primaryIn(), Database: db})
		h := s.Handler(http.NotFoundHandler())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var w work
		go s.WhilePrimary(ctx, w.run)
		w.is(t, "the primary", 1, 0)
		// Its edge asks what it is, as it does when there are no requests.
		r := httptest.NewRequest("GET", primary.Path, nil)
		r.Header.Set(replay.PrimaryHeader, "gru;epoch=h%3A2")
		h.ServeHTTP(httptest.NewRecorder(), r)
		time.Sleep(2 * roleInterval)
		w.is(t, "replaced", 1, 1)
	})
}

func TestHowWorkEnds(t *testing.T) {
	errWork := errors.New("work")
	for _, tt := range []struct {
		name  string
		err   error
		later machine.Role // what the database is soon after
		want  error
		again bool
	}{
		{"it is done", nil, machine.Primary, nil, false},
		{"it fails", errWork, machine.Primary, errWork, false},
		{"it fails as the primary goes", errWork, machine.None, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				db := newDB(machine.Primary, "5")
				s := newSite(t, Config{Env: primaryIn(), Database: db})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, func() { setRole(db, tt.later) })
				time.AfterFunc(time.Minute, func() { setRole(db, machine.Primary) })
				runs := 0
				err := s.WhilePrimary(ctx, func(ctx context.Context) error {
					if runs++; runs == 2 {
						return nil
					}
					return tt.err
				})
				if err != tt.want || (runs == 2) != tt.again {
					t.Errorf("ran %d times and returned %v", runs, err)
				}
			})
		})
	}
}

func TestWithoutRegionsWorkRunsAtOnce(t *testing.T) {
	want := errors.New("work")
	if err := newSite(t, Config{}).WhilePrimary(t.Context(), func(context.Context) error { return want }); err != want {
		t.Errorf("returned %v", err)
	}
}
