package homingtest

import (
	"sync"
	"time"

	"homing/journey"
)

// mostKept bounds the records that nobody has asked for: requests that do not come
// from a [Client] leave theirs behind.
const mostKept = 4096

// journeys keeps the records of requests until they are asked for: a record comes
// when the answer has gone out, which a client may have read by then. Safe for
// concurrent use.
type journeys struct {
	mu    sync.Mutex
	byID  map[string]*journey.Record
	order []string      // the newest IDs, also of those that were taken
	came  chan struct{} // closed and made anew at each record
}

func newJourneys() *journeys {
	return &journeys{byID: make(map[string]*journey.Record), came: make(chan struct{})}
}

func (j *journeys) add(r *journey.Record) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.byID[r.ID] = r
	j.order = append(j.order, r.ID)
	if len(j.order) > mostKept {
		delete(j.byID, j.order[0])
		j.order = j.order[1:]
	}
	close(j.came)
	j.came = make(chan struct{})
}

// look returns the record if it has come, and where more are told of.
func (j *journeys) look(id string) (*journey.Record, <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r := j.byID[id]
	delete(j.byID, id)
	return r, j.came
}

// take waits for a record; nil: it does not come.
func (j *journeys) take(id string) *journey.Record {
	giveUp := time.NewTimer(patience)
	defer giveUp.Stop()
	for {
		r, came := j.look(id)
		if r != nil {
			return r
		}
		select {
		case <-came:
		case <-giveUp.C:
			return nil
		}
	}
}
