package misbehave

import (
	"os"
	"runtime"
	"testing"
	"time"
)

// Eventually polls until ok says yes, and fails the test if it has not after 5 s.
func Eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Errorf("still not so after 5 s: %s", what)
			return
		}
		<-time.After(time.Millisecond)
	}
}

// LeavesNothing checks at the test's end, when all else is cleaned up, that no
// goroutine and no file is left. It must be called first, and by no test that runs
// beside others.
func LeavesNothing(t testing.TB) {
	goroutines, files := runtime.NumGoroutine(), openFiles()
	t.Cleanup(func() {
		Eventually(t, "as many goroutines and open files as before", func() bool {
			return runtime.NumGoroutine() <= goroutines && openFiles() <= files
		})
		if runtime.NumGoroutine() > goroutines || openFiles() > files {
			buf := make([]byte, 64<<10)
			t.Logf("%d goroutines, %d files before; now %d, %d\n%s", goroutines, files,
				runtime.NumGoroutine(), openFiles(), buf[:runtime.Stack(buf, true)])
		}
	})
}

func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not Linux: only goroutines are compared
	}
	return len(entries)
}
