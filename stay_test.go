package homing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"homing/machine"
	"homing/trail"
)

type outerKey struct{}

// during serves a request whose context is outer, and gives its own to see.
func during(t *testing.T, outer context.Context, see func(context.Context)) {
	t.Helper()
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	do(s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { see(r.Context()) })), request("GET", "/").WithContext(outer))
}

func TestAContextEndsWithItsHandler(t *testing.T) {
	for name, asked := range map[string]func(context.Context){
		"asked before": func(ctx context.Context) { ctx.Done() },
		"asked after":  func(context.Context) {},
	} {
		t.Run(name, func(t *testing.T) {
			var kept, made context.Context
			during(t, t.Context(), func(ctx context.Context) {
				asked(ctx)
				kept = ctx
				if name == "asked before" {
					if ctx.Err() != nil {
						t.Errorf("over at its beginning: %v", ctx.Err())
					}
					var cancel context.CancelFunc
					made, cancel = context.WithTimeout(ctx, time.Hour)
					t.Cleanup(cancel)
				}
			})
			if kept.Err() != context.Canceled || context.Cause(kept) != context.Canceled {
				t.Fatalf("got %v, %v", kept.Err(), context.Cause(kept))
			}
			<-kept.Done()
			if made != nil {
				<-made.Done()
			}
			ran := make(chan bool)
			context.AfterFunc(kept, func() { close(ran) })
			<-ran
		})
	}
}

func TestAContextEndsWithTheOneAroundIt(t *testing.T) {
	why := errors.New("why")
	outer, cancel := context.WithCancelCause(t.Context())
	during(t, outer, func(ctx context.Context) {
		made, stop := context.WithCancel(ctx)
		defer stop()
		cancel(why)
		<-made.Done()
		<-ctx.Done()
		for _, c := range []context.Context{ctx, made} {
			if c.Err() != context.Canceled || context.Cause(c) != why {
				t.Errorf("got %v, %v", c.Err(), context.Cause(c))
			}
		}
	})
	late, cancel2 := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel2()
	during(t, late, func(ctx context.Context) {
		if at, ok := ctx.Deadline(); !ok || !at.Equal(time.Unix(1, 0)) || ctx.Err() != context.DeadlineExceeded {
			t.Errorf("got %v, %v, %v", at, ok, ctx.Err())
		}
	})
}

func TestAContextHasTheValuesAroundIt(t *testing.T) {
	during(t, context.WithValue(t.Context(), outerKey{}, "outer"), func(ctx context.Context) {
		for _, asked := range []bool{false, true} {
			if asked {
				ctx.Done()
			}
			for _, c := range []context.Context{ctx, context.WithoutCancel(ctx), context.WithValue(ctx, &asked, 1)} {
				if c.Value(outerKey{}) != "outer" || c.Value("nothing") != nil || visitOf(c) == nil || trail.From(c) == nil {
					t.Errorf("%v, asked: %v: %v %v %v", c, asked, c.Value(outerKey{}), visitOf(c) != nil, trail.From(c))
				}
			}
		}
	})
}

// TestAContextCostsNoGoroutine: package context starts one for each context that is made
// of one of a kind that it does not know.
func TestAContextCostsNoGoroutine(t *testing.T) {
	during(t, t.Context(), func(ctx context.Context) {
		_, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		var all bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&all, 1)
		if strings.Contains(all.String(), "propagateCancel") {
			t.Errorf("a goroutine waits for the end of a context:\n%s", &all)
		}
	})
}

func TestAContextInALogTellsNothing(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	do(s.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for _, text := range []string{fmt.Sprint(r.Context()), fmt.Sprintf("%+v", context.WithValue(r.Context(), outerKey{}, 1))} {
			if strings.Contains(text, "secret") || !strings.Contains(text, ".homing") {
				t.Errorf("got %q", text)
			}
		}
	})), request("GET", "/", "Authorization", "secret"))
}

// ownContext is one of an app's own kind, such as some routers have.
type ownContext struct {
	context.Context
	held string
}

func TestAContextOfAnotherKindInALogTellsNothing(t *testing.T) {
	during(t, &ownContext{t.Context(), "secret"}, func(ctx context.Context) {
		if got := fmt.Sprint(ctx); got != "*homing.ownContext.homing" {
			t.Errorf("got %q", got)
		}
	})
}

// TestADroppedAnswerEndsItsContext, so that a handler that streams for as long as its
// client listens does not do so for ever.
func TestADroppedAnswerEndsItsContext(t *testing.T) {
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	res := do(s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(r)
		if err := http.NewResponseController(w).Flush(); err != errDropped {
			t.Errorf("flush: %v", err)
		}
		if err := r.Context().Err(); err != context.Canceled {
			t.Errorf("its context: %v", err)
		}
	})), request("GET", "/"))
	if sentHome(res) != "captured" {
		t.Errorf("got %v", res.Header)
	}
}

// TestWhatAnAppKeepsStaysItsRequests has goroutines use the context, the request and the
// writer of requests that are over, while others are answered.
func TestWhatAnAppKeepsStaysItsRequests(t *testing.T) {
	type kept struct {
		w http.ResponseWriter
		r *http.Request
	}
	const n = 200
	all := make(chan kept, n)
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Path", r.URL.Path)
		fmt.Fprint(w, r.URL.Path)
		all <- kept{w, r}
	})
	used := make(chan bool)
	go func() {
		defer close(used)
		for k := range all {
			<-k.r.Context().Done() // its handler has returned
			trail.Leave(k.r.Context(), trail.Refused|trail.Lost)
			GoHome(k.r.Context())
			k.w.WriteHeader(http.StatusTeapot)
			if _, err := k.w.Write([]byte("SECRET")); err != errDone {
				t.Errorf("%s: a write after the end: %v", k.r.URL.Path, err)
			}
			if v := visitOf(k.r.Context()); v == nil || v.r.URL != k.r.URL || !v.trail.Has(trail.Lost) {
				t.Errorf("%s: its context is another's", k.r.URL.Path)
			}
		}
	}()
	for i := range n {
		path := fmt.Sprint("/", i)
		res, err := srv.Client().Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := body(t, res); got != path || res.StatusCode != 200 || res.Header.Get("X-Path") != path || res.Header.Get("Homing-Outcome") != "" {
			t.Errorf("%s: got %d %q %v", path, res.StatusCode, got, res.Header)
		}
	}
	close(all)
	<-used
}

// TestAHeaderThatAnAppKeepsIsNoOtherAnswers: what is said in each answer is not shared.
func TestAHeaderThatAnAppKeepsIsNoOtherAnswers(t *testing.T) {
	srv := replicaServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		for _, values := range w.Header() {
			for i := range values {
				values[i] = "spoiled"
			}
			_ = append(values, "spoiled")
		}
	})
	for range 3 {
		res, err := srv.Client().Get(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		body(t, res)
		for name, want := range map[string]string{
			"Homing-Decision": "serve;reason=read;role=replica", "Homing-Role": "replica;epoch=e1", "Keep-Alive": "timeout=300",
		} {
			if got := res.Header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
}

// TestAReadAllocatesLittle counts, with some room: under the race detector pools forget.
func TestAReadAllocatesLittle(t *testing.T) {
	mine := cookie("a", token("5"))
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5")})
	h := s.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(big[:100]) }))
	for _, head := range [][]string{nil, {"Cookie", "x=y; " + mine, "Homing-Primary", "ams;epoch=e1"}} {
		r, w := request("GET", "/", head...), silent{http.Header{}}
		if n := testing.AllocsPerRun(100, func() { clear(w.h); h.ServeHTTP(w, r) }); n > 4 {
			t.Errorf("%v: %v allocations, want 2", head, n)
		}
	}
}
