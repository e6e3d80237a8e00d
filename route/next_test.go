package route_test

import (
	"testing"
	"time"

	"homing/replay"
	"homing/route"
)

func TestNext(t *testing.T) {
	type b = route.Setback
	const left = 3 * time.Second
	giveUp, same, another := route.Step{}, route.Step{Action: route.SameAgain}, route.Step{Action: route.Another}
	over := func(why replay.FailureReason) route.Step { return route.Step{Action: route.GiveUp, Reason: why} }
	back := func(why replay.FailureReason) route.Step { return route.Step{Action: route.FallBack, Reason: why} }
	ask := func(why replay.FailureReason) route.Step { return route.Step{Action: route.AskApp, Reason: why} }
	wait := func(d time.Duration) route.Step { return route.Step{Action: route.Pause, Wait: d} }
	for _, tt := range []struct {
		name string
		b    b
		want route.Step
	}{
		// A machine was asked.
		{"nothing was written", b{Left: left}, another},
		{"nothing was written, after a replay", b{Replayed: true, Left: left}, another},
		{"nothing was written to a kept connection", b{Reused: true, Left: left}, same},
		{"nothing was written, and time is up", b{Replayed: true}, over(replay.TimedOut)},
		{"nothing was written on a kept connection, and time is up", b{Reused: true, Left: -1}, over(replay.TimedOut)},
		{"a write was sent", b{Sent: true, Left: left}, giveUp},
		{"a write was sent on a kept connection", b{Sent: true, Reused: true, Left: left}, giveUp},
		{"a read was sent", b{Sent: true, Safe: true, Left: left}, another},
		{"a read was sent on a kept connection", b{Sent: true, Safe: true, Reused: true, Left: left}, same},
		{"a read was sent after a replay", b{Sent: true, Safe: true, Replayed: true, Left: left}, giveUp},
		{"a read was sent after a replay, on a kept connection", b{Sent: true, Safe: true, Replayed: true, Reused: true, Left: left}, giveUp},
		{"a byte of the answer came", b{Sent: true, Answered: true, Safe: true, Left: left}, giveUp},
		{"a byte came before anything was sent", b{Answered: true, Safe: true, Left: left}, giveUp},
		{"a read was sent, and time is up", b{Sent: true, Safe: true}, over(replay.TimedOut)},
		{"a write was sent, and time is up", b{Sent: true}, giveUp},
		{"a write was refused unprocessed", b{Sent: true, Unprocessed: true, Left: left}, another},
		{"a replayed write was refused unprocessed", b{Sent: true, Unprocessed: true, Replayed: true, Left: left}, another},
		{"a write was refused unprocessed on a kept connection", b{Sent: true, Unprocessed: true, Reused: true, Left: left}, same},
		{"the body is gone", b{BodyGone: true, Safe: true, Left: left}, giveUp},
		{"the body is gone on a kept connection", b{BodyGone: true, Reused: true, Left: left}, giveUp},

		// None could be chosen.
		{"no app", b{Why: route.NoApp, Left: left}, over(replay.NoCandidate)},
		{"no machine", b{Why: route.NoMachine, Left: left}, over(replay.NoCandidate)},
		{"no candidate", b{Why: route.NoCandidate, Left: left}, over(replay.NoCandidate)},
		{"no candidate, without time", b{Why: route.NoCandidate}, over(replay.NoCandidate)},
		{"no candidate after some were asked", b{Why: route.NoCandidate, Tries: 2, Left: left}, over(replay.RetriesExhausted)},
		{"the queue gave up", b{Why: route.AllBusy, Left: left}, over(replay.RetriesExhausted)},
		{"the queue took all the time", b{Why: route.AllBusy}, over(replay.TimedOut)},
		{"a target that is not ready", b{Why: route.NotReady, Left: left}, wait(50 * time.Millisecond)},
		{"again", b{Why: route.NotReady, Waits: 1, Tries: 1, Left: left}, wait(100 * time.Millisecond)},
		{"less and less often", b{Why: route.NotReady, Waits: 4, Left: left}, wait(800 * time.Millisecond)},
		{"but once a second", b{Why: route.NotReady, Waits: 5, Left: left}, wait(time.Second)},
		{"for as long as it takes", b{Why: route.NotReady, Waits: 1 << 40, Left: left}, wait(time.Second)},
		{"no longer than there is time", b{Why: route.NotReady, Waits: 5, Left: time.Millisecond}, wait(time.Millisecond)},
		{"a target that did not become ready in time", b{Why: route.NotReady, Waits: 9}, over(replay.TimedOut)},

		// There is somewhere to return to.
		{"time is up", b{Replayed: true, Fallback: replay.ForceSelf}, back(replay.TimedOut)},
		{"time is up on a kept connection", b{Replayed: true, Reused: true, Fallback: replay.PreferSelf}, back(replay.TimedOut)},
		{"there is time yet", b{Replayed: true, Fallback: replay.ForceSelf, Left: left}, another},
		{"the target is not ready yet", b{Replayed: true, Why: route.NotReady, Fallback: replay.ForceSelf, Left: left}, wait(50 * time.Millisecond)},
		{"the target did not become ready", b{Replayed: true, Why: route.NotReady, Fallback: replay.ForceSelf}, back(replay.TimedOut)},
		{"the target is busy", b{Replayed: true, Why: route.AllBusy, Fallback: replay.PreferSelf, Left: left}, back(replay.RetriesExhausted)},
		{"the target does not exist", b{Replayed: true, Why: route.NoCandidate, Fallback: replay.PreferSelf, Left: left}, back(replay.NoCandidate)},
		{"its app does not exist", b{Replayed: true, Why: route.NoApp, Fallback: replay.ForceSelf, Left: left}, back(replay.NoCandidate)},
		{"all refused", b{Replayed: true, Why: route.NoCandidate, Tries: 1, Fallback: replay.ForceSelf, Left: left}, back(replay.RetriesExhausted)},
		{"a byte was written to the target", b{Replayed: true, Sent: true, Written: true, Fallback: replay.ForceSelf, Left: left}, giveUp},
		{"a byte was written, and time is up", b{Replayed: true, Sent: true, Unprocessed: true, Fallback: replay.ForceSelf}, over(replay.TimedOut)},
		{"a byte was written to one that refused it", b{Replayed: true, Written: true, Why: route.NoCandidate, Tries: 1, Fallback: replay.ForceSelf, Left: left}, over(replay.RetriesExhausted)},
		{"the body is gone for it, too", b{Replayed: true, BodyGone: true, Why: route.NoCandidate, Fallback: replay.ForceSelf, Left: left}, over(replay.NoCandidate)},
		{"without a replay nobody asked", b{Why: route.NoCandidate, Fallback: replay.ForceSelf, Left: left}, over(replay.NoCandidate)},

		// The cache said where to go, and the app can be asked.
		{"a cached target does not exist", b{Replayed: true, Cached: true, Why: route.NoCandidate, Left: left}, ask(replay.NoCandidate)},
		{"nor does its app", b{Replayed: true, Cached: true, Why: route.NoApp, Left: left}, ask(replay.NoCandidate)},
		{"a cached target is not ready", b{Replayed: true, Cached: true, Why: route.NotReady, Left: left}, ask(replay.NoCandidate)},
		{"a cached target refused", b{Replayed: true, Cached: true, Why: route.NotReady, Tries: 1, Left: left}, ask(replay.RetriesExhausted)},
		{"another like it is asked first", b{Replayed: true, Cached: true, Left: left}, another},
		{"connecting to a cached target took all the time", b{Replayed: true, Cached: true}, ask(replay.TimedOut)},
		{"a cached target is busy", b{Replayed: true, Cached: true, Why: route.AllBusy, Left: left}, over(replay.RetriesExhausted)},
		{"a cached target is busy until time is up", b{Replayed: true, Cached: true, Why: route.AllBusy}, over(replay.TimedOut)},
		{"a read was sent to a cached target", b{Replayed: true, Cached: true, Sent: true, Written: true, Safe: true, Left: left}, giveUp},
		{"a byte was written to a cached target that refused it", b{Replayed: true, Cached: true, Written: true, Why: route.NoCandidate, Tries: 1, Left: left}, over(replay.RetriesExhausted)},
		{"the body is gone for the app, too", b{Replayed: true, Cached: true, BodyGone: true, Why: route.NoCandidate, Left: left}, over(replay.NoCandidate)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := route.Next(tt.b); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// Over all that can be known together: a request that may have run is never sent
// again, nor one that was written to a machine sent back.
func TestNothingRunsTwice(t *testing.T) {
	const flags = 8
	for bits := range 1 << flags {
		is := func(n int) bool { return bits>>n&1 == 1 }
		for why := route.Why(0); why <= route.NotReady; why++ {
			for left := range time.Duration(2) {
				b := route.Setback{
					Why: why, Sent: is(0), Answered: is(1), Reused: is(2), Unprocessed: is(3), Safe: is(4), Replayed: is(5),
					Written: is(0) || is(6), Cached: is(5) && is(7), Left: left, Fallback: replay.ForceSelf,
				}
				step := route.Next(b)
				mayHaveRun := why == 0 && (b.Answered || b.Sent && !b.Unprocessed && (!b.Safe || b.Replayed))
				if mayHaveRun && (step.Action != route.GiveUp || step.Reason != "") {
					t.Errorf("%+v: %+v, though it may have run", b, step)
				}
				if step.Action == route.FallBack && (b.Written || !b.Replayed) {
					t.Errorf("%+v: sent back", b)
				}
				if step.Action == route.AskApp && (b.Written || !b.Cached) {
					t.Errorf("%+v: the app is asked again", b)
				}
				if left == 0 && (step.Action == route.SameAgain || step.Action == route.Another || step.Action == route.Pause) {
					t.Errorf("%+v: %+v, though time is up", b, step)
				}
			}
		}
	}
}
