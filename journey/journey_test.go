package journey_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"homing/decision"
	"homing/journey"
)

const ms = time.Millisecond

func TestLastIsTheHopThatAnswered(t *testing.T) {
	var r journey.Record
	if got := r.Last(); got != (journey.Hop{}) {
		t.Errorf("a record without hops ended at %+v", got)
	}
	r.Hops = []journey.Hop{{Machine: "a", Replayed: true}, {Machine: "b", Status: 200}}
	if got := r.Last(); got != r.Hops[1] {
		t.Errorf("the last hop is %+v, want b", got)
	}
}

func TestAtHome(t *testing.T) {
	for _, tt := range []struct {
		name string
		hops []journey.Hop
		home time.Duration
		want time.Duration
	}{
		{"no machine was asked", nil, 120 * ms, 120 * ms},
		{"a local read would have paid the way", []journey.Hop{{Took: 5 * ms}}, 120 * ms, 125 * ms},
		{"a replayed write pays it either way", []journey.Hop{{Took: 1 * ms, Replayed: true}, {Took: 130 * ms, Way: 120 * ms}}, 120 * ms, 130 * ms},
		{"at home nobody waits for a position", []journey.Hop{{Took: 45 * ms, Decision: decision.Decision{Waited: 40 * ms}}}, 120 * ms, 125 * ms},
		{"at home the connection would be open too", []journey.Hop{{Took: 245 * ms, Connect: 120 * ms, Way: 120 * ms}}, 120 * ms, 125 * ms},
		{"a way that was measured too long", []journey.Hop{{Took: 100 * ms, Way: 120 * ms}}, 120 * ms, 120 * ms},
		{"an edge at home", []journey.Hop{{Took: 5 * ms}}, 0, 5 * ms},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := journey.Record{Hops: tt.hops}
			if got := r.AtHome(tt.home); got != tt.want {
				t.Errorf("AtHome(%v) = %v, want %v", tt.home, got, tt.want)
			}
		})
	}
}

// ids joins the records' IDs, which the tests use for their contents.
func ids(records []*journey.Record) string {
	var all []string
	for _, r := range records {
		all = append(all, r.ID)
	}
	return strings.Join(all, " ")
}

func TestSince(t *testing.T) {
	for _, tt := range []struct {
		name        string
		keep, added int
		n           uint64
		want        string
	}{
		{"an empty log", 3, 0, 0, ""},
		{"all from the start", 3, 2, 0, "1 2"},
		{"only the new ones", 3, 3, 1, "2 3"},
		{"nothing new", 3, 3, 3, ""},
		{"the oldest are forgotten", 3, 5, 0, "3 4 5"},
		{"a reader that fell behind gets what is left", 3, 10, 4, "8 9 10"},
		{"a reader that is nearly there", 3, 10, 9, "10"},
		{"a number from before a restart", 3, 2, 1000, ""},
		{"a log that keeps one", 1, 3, 0, "3"},
		{"a log that keeps none", 0, 3, 0, ""},
		{"a log that keeps less than none", -1, 3, 0, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := journey.NewLog(tt.keep)
			for i := range tt.added {
				l.Add(&journey.Record{ID: fmt.Sprint(i + 1)})
			}
			records, count, _ := l.Since(tt.n)
			if got := ids(records); got != tt.want || count != uint64(tt.added) {
				t.Errorf("Since(%d) = %q of %d, want %q of %d", tt.n, got, count, tt.want, tt.added)
			}
		})
	}
}

func TestWhatSinceReturnedStaysAsItIs(t *testing.T) {
	l := journey.NewLog(2)
	for _, id := range []string{"1", "2", "3", "4"} {
		l.Add(&journey.Record{ID: id})
	}
	records, _, _ := l.Since(0)
	l.Add(&journey.Record{ID: "5"})
	if got := ids(records); got != "3 4" {
		t.Errorf("the records became %q", got)
	}
	records, _, _ = l.Since(0)
	records[0] = &journey.Record{ID: "another"}
	if again, _, _ := l.Since(0); ids(again) != "4 5" {
		t.Errorf("the log became %q", ids(again))
	}
}

func TestFollowersAreToldOfEachRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := journey.NewLog(10)
		const followers = 3
		var got [followers]string
		for i := range followers {
			go func() {
				for n := uint64(0); n < 5; {
					var records []*journey.Record
					var more <-chan struct{}
					if records, n, more = l.Since(n); len(records) == 0 {
						<-more
					}
					for _, r := range records {
						got[i] += r.ID
					}
				}
			}()
		}
		for i := range 5 {
			time.Sleep(ms)
			l.Add(&journey.Record{ID: fmt.Sprint(i)})
			synctest.Wait()
			if want := "01234"[:i+1]; got != [followers]string{want, want, want} {
				t.Fatalf("after %d records the followers have %q, want %q each", i+1, got, want)
			}
		}
	})
}

func ExampleLog() {
	l := journey.NewLog(100)
	_, seen, more := l.Since(0)
	l.Add(&journey.Record{Method: "GET", Path: "/", Status: 200})
	<-more
	records, seen, _ := l.Since(seen)
	fmt.Println(records[0].Method, records[0].Path, records[0].Status, seen)
	// Output: GET / 200 1
}
