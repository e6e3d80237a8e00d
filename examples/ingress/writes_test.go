package ingress_test

import "net/http"

// testCaptured follows a link, which is a GET that writes.
func testCaptured(w *world) {
	l := w.browser().create(w.places["gru"], "followed")
	must(w.T, w.cluster.WaitCaughtUp(w.Context()))
	for visits := range int64(3) {
		b := w.browser()
		got := b.get(w.places["gru"], "/go/followed")
		if got.status != http.StatusFound || got.header.Get("Location") != l.URL || !got.wasForwarded("gru") {
			w.Errorf("visit %d: %v", visits, got)
		}
		if seen, err := b.get(w.places["gru"], path(l)).link(); err != nil || seen.Visits != visits+1 {
			w.Errorf("after visit %d its visitor sees %+v, %v", visits, seen, err)
		}
		must(w.T, w.cluster.WaitCaughtUp(w.Context()))
	}
	if n := w.count("SELECT visits FROM links WHERE name = 'followed'"); n != 3 {
		w.Errorf("%d visits were counted of 3", n)
	}
}

// testDelete deletes a link that its replica goes on showing to others.
func testDelete(w *world) {
	gru, b := w.places["gru"], w.browser()
	l := b.create(gru, "deleted")
	must(w.T, w.cluster.WaitCaughtUp(w.Context()))
	release := w.hold("gru")
	if got := b.do(gru, "DELETE", path(l), nil); got.status != http.StatusOK || !got.wasForwarded("gru") {
		w.Errorf("deleting it: %v", got)
	}
	if got := b.get(gru, path(l)); got.status != http.StatusNotFound || !got.wasForwarded("gru") {
		w.Errorf("whoever deleted it sees %v", got)
	}
	if got := w.browser().get(gru, path(l)); got.status != http.StatusOK || !got.wasLocal("gru") {
		w.Errorf("somebody else sees %v", got)
	}
	release()
	must(w.T, w.cluster.WaitCaughtUp(w.Context()))
	if got := b.get(gru, path(l)); got.status != http.StatusNotFound || !got.wasLocal("gru") {
		w.Errorf("later whoever deleted it sees %v", got)
	}
}
