// Package journey is the record of what happened to one request: which machines
// it went to, how long each took, what was decided and why. The edge fills one
// record per request; the log, the page and the metrics read only that.
package journey

import (
	"slices"
	"strings"
	"time"

	"homing/decision"
	"homing/machine"
	"homing/region"
)

// Record is one request, from the first byte of its head to the last byte of its
// answer. Whoever is handed one reads it at once, or keeps a [Record.Clone]: the next
// request is written into the same memory.
type Record struct {
	ID       string // the request's Fly-Request-Id
	Edge     region.Code
	Start    time.Time
	Duration time.Duration // to the last byte of the answer
	Method   string
	Host     string
	Path     string // without the query, which may hold secrets
	Status   int    // what the client was told; 0: the connection was cut
	Hops     []Hop
	// Cache says whether the first replay came from the replay cache: "hit", "miss" or
	// "bypass", as the machine was told. Empty: there was none.
	Cache   string
	Code    string // of the protocol's error table, empty if nothing went wrong
	Problem string // what went wrong, in words; safe to show
}

// Hop is one machine that was asked.
type Hop struct {
	Machine machine.ID
	Region  region.Code
	Start   time.Duration // since Record.Start
	// Took is the time to the machine's decision: to the head of a replay, or to
	// the end of the answer that went to the client.
	Took     time.Duration
	Way      time.Duration // the round trip between the edge and the machine's region
	Connect  time.Duration // of Took, for opening a connection; 0 if one was kept
	Status   int           // 0: no answer came
	Replayed bool          // the machine asked for a replay
	Decision decision.Decision
	Problem  string // why no answer came
}

// Clone returns a copy that never changes. It shares no memory with the request, whose
// head may be large.
func (r *Record) Clone() *Record {
	c := *r
	c.Method, c.Host, c.Path = strings.Clone(r.Method), strings.Clone(r.Host), strings.Clone(r.Path)
	c.Hops = slices.Clone(r.Hops)
	return &c
}

// Last returns the hop that answered, or a zero Hop if no machine was asked.
func (r *Record) Last() Hop {
	if len(r.Hops) == 0 {
		return Hop{}
	}
	return r.Hops[len(r.Hops)-1]
}

// AtHome estimates how long the request would have taken if the app ran only in
// a region that is home away from the edge: the way there and back, and the time
// that the machine which answered worked, without connecting to it and without
// its wait for a position.
func (r *Record) AtHome(home time.Duration) time.Duration {
	last := r.Last()
	return home + max(0, last.Took-last.Connect-last.Way-last.Decision.Waited)
}
