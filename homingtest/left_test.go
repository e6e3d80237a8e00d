package homingtest_test

import (
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"homing/homingtest"
)

// TestNothingOutlivesAWorld: descriptors and goroutines are as many as before. It runs
// on its own, before those that run in parallel.
func TestNothingOutlivesAWorld(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	t.Run("the first", use) // what is made once for all
	goroutines, files := runtime.NumGoroutine(), descriptors(t)
	for range 3 {
		t.Run("again", use)
	}
	eventually(t, func() bool { return runtime.NumGoroutine() <= goroutines }, func() string {
		stacks := new(strings.Builder)
		_ = pprof.Lookup("goroutine").WriteTo(stacks, 1)
		return "goroutines are left:\n" + stacks.String()
	})
	eventually(t, func() bool { return len(descriptors(t)) <= len(files) }, func() string {
		return "descriptors are left: " + strings.Join(descriptors(t), " ")
	})
	if left, err := os.ReadDir(tmp); err != nil || len(left) > 0 {
		t.Errorf("folders are left: %v, %v", left, err)
	}
}

// use leaves a world in disorder.
func use(t *testing.T) {
	w := start(t)
	c := w.Client("gru")
	c.PostForm("/entries", url.Values{"text": {"hello"}})
	resp, err := c.HTTP().Get(homingtest.Origin + "/entries")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	w.HoldReplication("ams")
	w.StopMachine("gru")
	c.PostForm("/entries", url.Values{"text": {"hello"}})
	w.StartMachine("gru")
	w.StopMachine("ord")
}

func eventually(t *testing.T, ok func() bool, otherwise func() string) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	giveUp := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-giveUp:
			t.Error(otherwise())
			return
		}
	}
}

// descriptors names what this process has open; nothing where the system does not say.
func descriptors(t *testing.T) []string {
	t.Helper()
	const dir = "/proc/self/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var open []string
	for _, e := range entries {
		if to, err := os.Readlink(dir + "/" + e.Name()); err == nil { // not the one of ReadDir
			open = append(open, to)
		}
	}
	return open
}
