package health_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homing/health"
)

// found is what check i has found.
type found struct {
	i int
	health.Finding
}

// follow begins to ask, and returns what is found.
func follow(t *testing.T, addr string, checks ...health.Check) <-chan found {
	ctx, cancel := context.WithCancel(context.Background())
	said, ended := make(chan found, 100), make(chan struct{})
	go func() {
		defer close(ended)
		health.Follow(ctx, addr, checks, func(i int, f health.Finding) { said <- found{i, f} })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return said
}

func TestFindingsOfEachCheck(t *testing.T) {
	var body atomic.Value
	body.Store(`{"db": "up"}`)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := body.Load().(string)
		if strings.Contains(text, "down") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, text)
	}))
	defer srv.Close()
	said := follow(t, strings.TrimPrefix(srv.URL, "http://"), health.Check{Path: "/db", Interval: often}, health.Check{Interval: time.Hour})
	const problem = "the check GET /db was answered with 503; want 2xx"
	for _, step := range []struct {
		body string
		want health.Finding
	}{
		{`{"db": "up"}`, health.Finding{Known: true, Output: `{"db": "up"}`}},
		{"down\n\x1b[31m now\u202e ", health.Finding{Known: true, Problem: problem, Output: "down [31m now"}},
		{"well " + strings.Repeat("é", 300), health.Finding{Known: true, Output: "well " + strings.Repeat("é", 195) + "…"}},
	} {
		body.Store(step.body)
		for {
			got := nextFound(t, said)
			if got.i == 1 && (got.Finding == health.Finding{Known: true}) {
				continue // the port accepts, which is told once
			}
			if got.i != 0 || got.Finding != step.want {
				t.Errorf("check %d: %+v; want %+v", got.i, got.Finding, step.want)
			}
			break
		}
	}
}

// TestWhatIsOnlyShownIsNotHurried: a check that fails for good must not fill the app's log.
func TestWhatIsOnlyShownIsNotHurried(t *testing.T) {
	var shown, decides atomic.Int64
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/shown" {
			shown.Add(1)
		} else {
			decides.Add(1)
		}
		w.WriteHeader(http.StatusTeapot)
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	if got := nextFound(t, follow(t, addr, health.Check{Path: "/shown", Interval: time.Hour})); got.Problem == "" {
		t.Errorf("%+v", got)
	}
	next(t, examine(t, addr, health.Check{Path: "/decides", Interval: time.Hour}))
	for deadline := time.Now().Add(10 * time.Second); decides.Load() < 3; <-time.After(often) {
		if time.Now().After(deadline) {
			t.Fatal("a check that decides is not asked again soon")
		}
	}
	if n := shown.Load(); n != 1 {
		t.Errorf("what is shown was asked %d times", n)
	}
}

func nextFound(t *testing.T, said <-chan found) found {
	t.Helper()
	select {
	case f := <-said:
		return f
	case <-time.After(10 * time.Second):
		t.Fatal("nothing was found")
		return found{}
	}
}
