package claim

import (
	"errors"
	"fmt"

	"homing/bench/result"
	"homing/decision"
	"homing/region"
)

// Report is what was found.
type Report struct {
	cfg     Config
	cells   map[place]*Cell
	crossed map[place]int  // how often each thing waited for an answer from the primary
	ran     map[place]*Ran // of all queries together
	version string
}

// Cell is what was found of one thing.
type Cell struct {
	Times   result.Sample // milliseconds, one a round
	Missing int           // how often the own write was not seen
}

// Ran is where requests ran.
type Ran struct {
	Here, Home int // in the user's region, and in the primary's
	// Waited is how long those that ran here waited for the replica, in milliseconds, if
	// they did.
	Waited result.Sample
}

// Cell returns what was found of requests with k queries; empty if that was not measured.
func (r *Report) Cell(from region.Code, w What, s Strategy, k int) Cell {
	if c := r.cells[place{from, w, s, k}]; c != nil {
		return *c
	}
	return Cell{}
}

// median is of the milliseconds that something took; NaN if it was not measured.
func (r *Report) median(from region.Code, w What, s Strategy, k int) float64 {
	c := r.Cell(from, w, s, k)
	return c.Times.Median()
}

// Ran returns where requests ran, whatever their number of queries.
func (r *Report) Ran(from region.Code, w What, s Strategy) Ran {
	if ran := r.ran[place{from, w, s, 0}]; ran != nil {
		return *ran
	}
	return Ran{}
}

// Missing returns how many own writes were not seen, and of how many.
func (r *Report) Missing(from region.Code, s Strategy) (missing, of int) {
	for _, k := range r.cfg.Queries {
		c := r.Cell(from, Own, s, k)
		missing, of = missing+c.Missing, of+c.Times.Len()
	}
	return missing, of
}

// report reads the journeys, and makes sure that each strategy did what it says.
func (b *bench) report() (*Report, error) {
	r := &Report{cfg: b.cfg, cells: b.cells, crossed: b.crossed, ran: make(map[place]*Ran), version: b.version}
	for _, rec := range b.records {
		at := placeOf(rec.Path)
		if r.ran[at] == nil {
			r.ran[at] = new(Ran)
		}
		last := rec.Last()
		if last.Region != at.region {
			r.ran[at].Home++
			continue
		}
		r.ran[at].Here++
		if last.Decision.Reason == decision.Waited {
			r.ran[at].Waited.AddMilliseconds(last.Decision.Waited)
		}
	}
	return r, r.check()
}

// check returns an error if something was measured that is not what it is called.
func (r *Report) check() error {
	var errs []error
	for _, from := range r.cfg.far() {
		for _, s := range Strategies() {
			for _, w := range whats {
				ran := r.Ran(from, w, s)
				strayed := ran.Home
				if goesHome(s, w) {
					strayed = ran.Here
				}
				if strayed > 0 && !(s == Replay && w == Own) || ran.Here+ran.Home == 0 {
					errs = append(errs, fmt.Errorf("claim: %s from %s: %d ran there and %d at the primary by the strategy %q, which is not what it is for",
						w.Words(), from, ran.Here, ran.Home, s))
				}
				if got, want := r.crossed[place{from, w, s, 0}], r.crossings(s, w); got != want {
					errs = append(errs, fmt.Errorf("claim: %s from %s: %d queries crossed to the primary by the strategy %q, not %d",
						w.Words(), from, got, s, want))
				}
			}
		}
	}
	return errors.Join(errs...)
}

// crossings is how many queries should have crossed, one by one or as a batch.
func (r *Report) crossings(s Strategy, w What) (n int) {
	if s.isHomings() || s == Single {
		return 0 // requests cross
	}
	for _, k := range r.cfg.Queries {
		n += r.cfg.Rounds * s.trips(w, k)
	}
	return n
}

// goesHome reports whether a request is to run at the primary. Own reads of Replay may.
func goesHome(s Strategy, w What) bool {
	return s.isHomings() && w == Write || s == Window && w == Own || s == Single
}
