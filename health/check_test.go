package health_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"homing/health"
)

// examine begins to ask, and returns the verdicts.
func examine(t *testing.T, addr string, checks ...health.Check) <-chan string {
	ctx, cancel := context.WithCancel(context.Background())
	said, ended := make(chan string, 100), make(chan struct{})
	go func() {
		defer close(ended)
		health.Examine(ctx, addr, checks, func(problem string) { said <- problem })
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return said
}

// app answers /up with the status, /old with a redirect, and wants a header at /secret.
func app(t *testing.T, status *atomic.Int64) string {
	mux := http.NewServeMux()
	mux.HandleFunc("HEAD /up", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	mux.HandleFunc("GET /up", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	mux.Handle("GET /old", http.RedirectHandler("/up", http.StatusFound))
	mux.HandleFunc("GET /secret", func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "example.test" || r.Header.Get("X-Key") != "k" {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// next returns the next verdict.
func next(t *testing.T, said <-chan string) string {
	t.Helper()
	select {
	case problem := <-said:
		return problem
	case <-time.After(10 * time.Second):
		t.Fatal("no verdict")
		return ""
	}
}

const often = 5 * time.Millisecond

func TestVerdictsOfChecks(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusOK)
	addr := app(t, &status)
	for name, tc := range map[string]struct {
		check health.Check
		want  string
	}{
		"a port that accepts":    {health.Check{}, ""},
		"an answer that is well": {health.Check{Path: "/up"}, ""},
		"another method":         {health.Check{Path: "/up", Method: "HEAD"}, ""},
		"headers":                {health.Check{Path: "/secret", Header: map[string]string{"Host": "example.test", "X-Key": "k"}}, ""},
		"a redirect":             {health.Check{Path: "/old"}, "the check GET /old was answered with 302; want 2xx"},
		"nobody there":           {health.Check{Path: "/gone"}, "the check GET /gone was answered with 404; want 2xx"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := next(t, examine(t, addr, tc.check)); got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func TestVerdictsFollowTheApp(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusOK)
	said := examine(t, app(t, &status), health.Check{Path: "/up", Interval: often}, health.Check{Interval: often})
	for _, s := range []int{200, 500, 204} {
		status.Store(int64(s))
		if got := next(t, said); (got == "") != (s < 300) {
			t.Errorf("with status %d: %q", s, got)
		}
	}
}

func TestAPortThatNobodyListensOn(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if got := next(t, examine(t, l.Addr().String(), health.Check{})); !strings.HasPrefix(got, "nothing accepts connections on 127.0.0.1:") {
		t.Errorf("%q", got)
	}
}

// TestGrace: who starts slowly is not unwell, and not ready either.
func TestGrace(t *testing.T) {
	var status atomic.Int64
	status.Store(http.StatusServiceUnavailable)
	addr := app(t, &status)
	patient := examine(t, addr, health.Check{Path: "/up", Interval: often, Grace: time.Hour})
	impatient := examine(t, addr, health.Check{Path: "/up", Interval: often, Grace: 50 * time.Millisecond})
	if got := next(t, impatient); got == "" {
		t.Error("it is well, with status 503")
	}
	select {
	case got := <-patient:
		t.Errorf("within its grace period it was called %q", got)
	default:
	}
	status.Store(http.StatusOK)
	if got := next(t, patient); got != "" {
		t.Errorf("%q", got)
	}
	status.Store(http.StatusServiceUnavailable)
	if got := next(t, patient); got == "" {
		t.Error("grace goes on after it was well")
	}
}
