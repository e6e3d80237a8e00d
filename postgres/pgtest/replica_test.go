package pgtest_test

import (
	"context"
	"testing"
	"time"

	"homing/postgres/pgtest"
)

const received = "select pg_last_wal_receive_lsn() >= $1::pg_lsn"

// position is how far the primary has got.
func position(t testing.TB, c *pgtest.Cluster) string {
	t.Helper()
	return scalar[string](t, c.Primary().AdminURL(), "select pg_current_wal_flush_lsn()::text")
}

func TestAReplicaCanBeKeptBehind(t *testing.T) {
	t.Parallel()
	c := pgtest.Start(t, pgtest.Config{Replicas: 2})
	held, free := c.Replicas()[0], c.Replicas()[1]
	rows := 1
	write(t, c, "first")
	must(t, c.WaitCaughtUp(t.Context()))

	// behind writes a row that the free replica shows and the held one does not.
	behind := func(t *testing.T) {
		t.Helper()
		write(t, c, "more")
		rows++
		eventually(t, "the other replica has it", func() bool { return count(t, free) == rows })
		if n := count(t, held); n != rows-1 {
			t.Errorf("%d rows on the held replica, want %d", n, rows-1)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if c.WaitCaughtUp(ctx) == nil {
			t.Error("a replica that is held has caught up")
		}
	}
	released := func(t *testing.T) {
		t.Helper()
		must(t, c.WaitCaughtUp(t.Context()))
		if n := count(t, held); n != rows {
			t.Errorf("%d rows on the released replica, want %d", n, rows)
		}
	}
	t.Run("receiving", func(t *testing.T) {
		must(t, held.HoldReplay(t.Context()))
		behind(t)
		at := position(t, c)
		eventually(t, "the held replica receives", func() bool { return scalar[bool](t, held.AdminURL(), received, at) })
		must(t, held.ResumeReplay(t.Context()))
		released(t)
	})
	t.Run("cut off", func(t *testing.T) {
		held.HoldStream()
		held.HoldStream() // twice is once
		behind(t)
		if scalar[bool](t, held.AdminURL(), received, position(t, c)) {
			t.Error("a change came through a stream that is held")
		}
		held.ReleaseStream()
		released(t)
	})
	t.Run("far away", func(t *testing.T) {
		const far = 150 * time.Millisecond
		held.DelayStream(far)
		begun := time.Now()
		write(t, c, "more")
		rows++
		released(t)
		if took := time.Since(begun); took < far {
			t.Errorf("a change was there after %v, before %v", took, far)
		}
		held.DelayStream(0)
	})
}

func TestAnotherServerTakesOver(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := pgtest.Start(t, pgtest.Config{Replicas: 2})
	old, next, third := c.Primary(), c.Replicas()[0], c.Replicas()[1]
	write(t, c, "before")
	must(t, c.WaitCaughtUp(ctx))
	must(t, old.Stop(ctx, pgtest.Kill))
	must(t, next.Promote(ctx))
	if c.Primary() != next || len(c.Replicas()) != 2 || c.Replicas()[0] != old {
		t.Errorf("after the promotion %s is primary", c.Primary().Name())
	}
	if err := next.Follow(ctx, third); err == nil {
		t.Error("a primary follows")
	}
	must(t, third.Follow(ctx, next))
	must(t, old.Start(ctx))
	must(t, old.Exec(ctx, "insert into words values ('apart')")) // two primaries
	if err := next.Rebuild(ctx, old); err == nil {
		t.Error("the primary was rebuilt")
	}
	must(t, old.Rebuild(ctx, next))
	write(t, c, "after")
	must(t, c.WaitCaughtUp(ctx))
	want := scalar[string](t, next.AdminURL(), "select string_agg(word, ',') from words")
	for _, r := range c.Replicas() {
		if got := scalar[string](t, r.AdminURL(), "select string_agg(word, ',') from words"); got != want {
			t.Errorf("%s has %q, the primary %q", r.Name(), got, want)
		}
	}
	must(t, third.Follow(ctx, old)) // which follows next
	write(t, c, "passed on")
	must(t, c.WaitCaughtUp(ctx))
	if err := old.Follow(ctx, third); err == nil {
		t.Error("two replicas follow each other")
	}
}
