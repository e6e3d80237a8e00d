package route

import (
	"time"

	"homing/replay"
)

// Setback is what is known of a request that did not get through. Either no machine
// could be chosen, and Why says why, or one was asked and failed, and the fields
// about the exchange say how.
type Setback struct {
	Why Why // of Choose, or of the queue after it; 0: a machine was asked

	Sent        bool // a byte of the request was written to that machine
	Answered    bool // a byte of its answer came
	Reused      bool // the connection had served before: it may only have been closed while idle
	Unprocessed bool // the machine refused the stream without looking at it (HTTP/2)

	Safe     bool // the method may be repeated: GET, HEAD, OPTIONS, TRACE, or the app said so
	BodyGone bool // the body was not kept, or broke off: it cannot be sent again
	Replayed bool // a machine asked for this hop, now or, if Cached, for one like it before
	Cached   bool // this hop goes where the replay cache says: the app can still be asked

	// Written says that a byte was written to any machine of this hop.
	Written  bool
	Tries    int             // exchanges on this hop, that one included
	Waits    int             // pauses made on this hop
	Left     time.Duration   // of the time for reaching a machine; 0: none
	Fallback replay.Fallback // of the instruction, until it was used
}

// Action is what is done next with a request.
type Action uint8

const (
	// GiveUp: the client is told. The step's reason is empty if the machine was
	// reached: what went wrong with the exchange says more.
	GiveUp Action = iota
	// SameAgain: the same machine, on a fresh connection.
	SameAgain
	// Another: the machine counts as tried, and another is chosen.
	Another
	// Pause: wait for the step's time or a change of the fleet, then take a new
	// snapshot and choose with nothing tried.
	Pause
	// FallBack: the hop has failed for the step's reason, and the next is that of
	// [Wish.Fallback].
	FallBack
	// AskApp: the cached target could not be reached. It is forgotten, and the app is
	// asked as if nothing had been cached.
	AskApp
)

// Step is what [Next] decided.
type Step struct {
	Action Action
	Reason replay.FailureReason // why the target was not reached; with FallBack, AskApp and GiveUp
	Wait   time.Duration        // with Pause
}

// Next decides what may be done after a setback. Nothing runs twice: the request
// goes on only when no byte of it was written, the machine refused it unprocessed,
// or it is safe to repeat, was not replayed, and no byte of the answer came. It falls
// back, or returns to the app from a cached target, only when no machine of the hop was
// written to. A cached target that is not ready is not waited for: the app may know a
// better one. One that is busy is there, and no reason to ask.
func Next(b Setback) Step {
	switch b.Why {
	case 0:
		return b.afterExchange()
	case NotReady, AllBusy:
		switch {
		case b.Left <= 0:
			return b.end(replay.TimedOut)
		case b.Why == AllBusy: // the queue has given up
			return b.end(replay.RetriesExhausted)
		case b.Cached:
			return b.end(b.lost())
		}
		return Step{Action: Pause, Wait: min(pause(b.Waits), b.Left)}
	default:
		return b.end(b.lost())
	}
}

// lost is why a target was not reached for which there is no candidate.
func (b *Setback) lost() replay.FailureReason {
	if b.Tries > 0 {
		return replay.RetriesExhausted
	}
	return replay.NoCandidate
}

func (b *Setback) afterExchange() Step {
	switch {
	case !b.mayGoOn():
		return Step{Action: GiveUp}
	case b.Left <= 0:
		return b.end(replay.TimedOut)
	case b.Reused:
		return Step{Action: SameAgain}
	default:
		return Step{Action: Another}
	}
}

// mayGoOn reports whether the request can be sent once more and cannot run twice.
func (b *Setback) mayGoOn() bool {
	switch {
	case b.BodyGone || b.Answered:
		return false
	case !b.Sent || b.Unprocessed:
		return true
	default:
		return b.Safe && !b.Replayed
	}
}

// end is what is left when the target could not be reached.
func (b *Setback) end(why replay.FailureReason) Step {
	untouched := !b.Written && !b.Sent && !b.BodyGone
	switch {
	case untouched && b.Cached && b.Why != AllBusy:
		return Step{Action: AskApp, Reason: why}
	case untouched && b.Replayed && b.Fallback != replay.NoFallback:
		return Step{Action: FallBack, Reason: why}
	}
	return Step{Action: GiveUp, Reason: why}
}

// pause is how long to wait before a target that is not ready is tried again: soon
// at first, for one that is just starting, then ever less often up to a second.
func pause(made int) time.Duration {
	return min(50*time.Millisecond<<min(made, 5), time.Second)
}
