package homingtest_test

import (
	"flag"
	"fmt"
	"net/url"
	"sync"
	"testing"

	"homing/homingtest"
	"homing/region"
)

var worlds = flag.Int("worlds", 24, "how many worlds TestManyWorldsAtOnce starts")

// TestManyWorldsAtOnce: they know nothing of each other, and get in nobody's way. All
// are there before any ends.
func TestManyWorldsAtOnce(t *testing.T) {
	t.Parallel()
	var all, started sync.WaitGroup
	started.Add(*worlds)
	for n := range *worlds {
		all.Go(func() {
			w := func() *homingtest.World {
				defer started.Done()
				return start(t)
			}()
			started.Wait()
			for _, r := range []region.Code{"gru", "ams"} {
				c := w.Client(r)
				c.PostForm("/entries", url.Values{"text": {fmt.Sprint(n, " from ", r)}})
				if got := c.Get("/entries"); got.Body == "" {
					t.Errorf("world %d: a writer in %s reads nothing: %v", n, r, got.Journey)
				}
			}
			w.CatchUp()
			reads(t, w, "ord", fmt.Sprintf("%d from gru\n%d from ams\n", n, n))
		})
	}
	all.Wait()
}

// BenchmarkRead is a read next door, as a benchmark of an app has it.
func BenchmarkRead(b *testing.B) {
	c := start(b).Client("gru")
	for b.Loop() {
		if got := c.Get("/entries"); got.Status != 200 {
			b.Fatal(got.Journey)
		}
	}
}
