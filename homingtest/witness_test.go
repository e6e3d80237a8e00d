package homingtest_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// witness is a test that notes what it is told instead of failing by it, and that ends
// when it is told to.
type witness struct {
	testing.TB
	log bytes.Buffer // what its world logs, one line at a time

	mu       sync.Mutex
	said     []string // by Fatalf, Errorf and Logf
	failed   bool
	cleanups []func()
}

// attend runs f, which may end itself as a test does, and returns what it said.
func attend(t *testing.T, f func(testing.TB)) *witness {
	t.Helper()
	w := &witness{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(w)
	}()
	<-done
	return w
}

func (w *witness) say(failed bool, format string, args []any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, fmt.Sprintf(format, args...))
	w.failed = w.failed || failed
}

func (w *witness) Helper()                           {}
func (w *witness) Output() io.Writer                 { return &w.log }
func (w *witness) Errorf(format string, args ...any) { w.say(true, format, args) }
func (w *witness) Logf(format string, args ...any)   { w.say(false, format, args) }

func (w *witness) Fatalf(format string, args ...any) {
	w.say(true, format, args)
	runtime.Goexit()
}

func (w *witness) Failed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// Cleanup waits for end, or for the end of the test.
func (w *witness) Cleanup(f func()) {
	f = sync.OnceFunc(f)
	w.cleanups = append(w.cleanups, f)
	w.TB.Cleanup(f)
}

// end does what the end of a test does.
func (w *witness) end() {
	for i := range w.cleanups {
		w.cleanups[len(w.cleanups)-1-i]()
	}
}

func (w *witness) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.said, "\n")
}
