package ingress_test

import (
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// testLoop has two regions that each take the other's ingress for the primary's.
func testLoop(w *world) {
	l := w.browser().create(w.places["gru"], "looping")
	must(w.T, w.cluster.WaitCaughtUp(w.Context()))
	gru, ams := w.plan("gru"), w.plan("ams")
	w.start(gru, ams)
	w.start(ams, gru)
	for _, tt := range []struct{ method, path string }{
		{"POST", "/links"}, {"DELETE", path(l) + "//a%2Fb?c=%64&d"}, {"GET", "/go/looping"},
	} {
		for from, to := range map[*place]*place{gru: ams, ams: gru} {
			got := w.browser().do(from, tt.method, tt.path, nil)
			if got.status != http.StatusLoopDetected || !slices.Equal(got.passed(), []string{to.region, from.region}) {
				w.Errorf("%s %s in %s: %v", tt.method, tt.path, from.region, got)
			}
			want := "sent home from " + from.region + ", but the primary is not in " + to.region
			if !strings.Contains(got.body, want) {
				w.Errorf("%s %s in %s: %q does not say %q", tt.method, tt.path, from.region, got.body, want)
			}
		}
	}
	if n := w.count("SELECT visits FROM links WHERE name = 'looping'"); n != 0 {
		w.Errorf("%d visits were counted", n)
	}
}

// testAway writes while nothing of the primary's region answers, or half of it.
func testAway(w *world) {
	gru, ord := w.places["gru"], w.places["ord"]
	refused := func(when, says string) {
		w.Helper()
		got := w.browser().post(gru, "away")
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, says) {
			w.Errorf("%s: %v, Retry-After %q", when, got, got.header.Get("Retry-After"))
		}
	}
	ord.app.stop(w.T)
	refused("without the app", "Nothing was sent")
	if got := w.browser().get(gru, "/links"); got.status != http.StatusOK || !got.wasLocal("gru") {
		w.Errorf("a read meanwhile: %d past %v", got.status, got.passed())
	}
	ord.ingress.stop(w.T)
	refused("without its ingress", "ord cannot be reached from gru")
	w.startIngress(ord, http.StatusServiceUnavailable)
	refused("with the ingress alone", "Nothing was sent")
	w.startApp(ord)
	w.browser().create(gru, "away")
	if n := w.count("SELECT count(*) FROM links WHERE name = 'away'"); n != 1 {
		w.Errorf("it was written %d times", n)
	}
}

// testBroken has the primary's app break off, on a connection that its ingress has
// kept: that is where proxies are quickest to try again.
func testBroken(w *world) {
	var asked atomic.Int32
	w.insteadOfThePrimary(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/well" {
			return
		}
		asked.Add(1)
		panic(http.ErrAbortHandler)
	})
	gru := w.places["gru"]
	for _, tt := range []struct{ method, path string }{{"POST", "/links"}, {"DELETE", "/links/1"}, {"GET", "/links/1/undo"}} {
		asked.Store(0)
		if got := w.browser().do(gru, "POST", "/well", nil); got.status != http.StatusOK {
			w.Errorf("what comes before: %v", got)
		}
		got := w.browser().do(gru, tt.method, tt.path, nil)
		if got.status != http.StatusBadGateway || got.header.Get("Homing-Outcome") != "unknown" || asked.Load() != 1 {
			w.Errorf("%s was sent %d times: %v %v", tt.method, asked.Load(), got, got.header)
		}
	}
}

// insteadOfThePrimary puts a handler where the primary's app was.
func (w *world) insteadOfThePrimary(h http.HandlerFunc) {
	w.Helper()
	ord := w.places["ord"]
	ord.app.stop(w.T)
	l, err := net.Listen("tcp", ord.addr)
	must(w.T, err)
	srv := &http.Server{Handler: h}
	go srv.Serve(l) //nolint:errcheck // it ends when it is closed
	w.Cleanup(func() {
		srv.Close()
		w.startApp(ord)
	})
}
