package main

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"homing/health"
	"homing/postgres/pgtest"
	"homing/region"
)

// eitherOf is a URL that leads to the primary of two servers, wherever that is.
func eitherOf(a, b *pgtest.Server) string {
	first, _ := url.Parse(a.URL()) // made by package url
	second, _ := url.Parse(b.URL())
	first.Host += "," + second.Host
	return withParameter(first.String(), "target_session_attrs=primary")
}

// moving is notes whose primary moves.
type moving struct{ *notes }

// startMoving has each region know its own server, and all the primary.
func startMoving(t *testing.T, bin string) moving {
	m := moving{startNotes(t, bin, "session.py", func(c *pgtest.Cluster) []string {
		ord, gru := c.Primary(), c.Replicas()[0]
		return []string{"DATABASE_URL=" + eitherOf(ord, gru), "DATABASE_URL_ORD=" + ord.URL(), "DATABASE_URL_GRU=" + gru.URL()}
	})}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		health.Watch(ctx, health.Config{Fleet: m.fleet, Every: 20 * time.Millisecond, Logger: slog.New(slog.DiscardHandler)})
	}()
	t.Cleanup(func() { cancel(); <-ended })
	m.knows("ord")
	return m
}

// knows waits until the edges know where the primary is.
func (m moving) knows(home region.Code) {
	m.t.Helper()
	eventually(m.t, func() bool { return m.fleet.Snapshot().Primary("web").Region == home }, m.gru.output)
}

// writesGo checks that what is written in any region goes to one, and is read there.
func (m moving) writesGo(home region.Code) {
	m.t.Helper()
	for here := range m.fronts {
		before := m.askIn(here, "GET", "/")
		wrote := m.askIn(here, "POST", "/")
		if wrote.status != 200 || wrote.where != string(home) || wrote.text != "noted" {
			m.t.Errorf("a write in %s: %+v", here, wrote)
		}
		if got := m.askIn(here, "GET", "/", wrote.cookie); got.status != 200 || got.text == before.text {
			m.t.Errorf("its client reads %+v, before it were %+v", got, before)
		}
	}
}

// readsIn waits until a region answers its own clients.
func (m moving) readsIn(here region.Code) {
	m.t.Helper()
	eventually(m.t, func() bool {
		got := m.askIn(here, "GET", "/")
		if got.status != 200 {
			m.t.Errorf("a read in %s: %+v", here, got)
		}
		return got.where == string(here)
	}, m.gru.output)
}

// testSidecarPromotion: no app is started again, and none is told.
func testSidecarPromotion(t *testing.T, bin string) {
	m := startMoving(t, bin)
	ord, gru := m.cluster.Primary(), m.cluster.Replicas()[0]
	m.writesGo("ord")
	connection := m.ask("GET", "/connection")

	m.do(func(ctx context.Context) error { return ord.Stop(ctx, pgtest.Fast) })
	waits := make(chan noted, 1)
	go func() { waits <- m.ask("POST", "/") }()
	m.do(gru.Promote)
	m.knows("gru")
	if got := <-waits; got.status != 200 || got.where != "gru" {
		t.Errorf("a write while there was no primary: %+v", got)
	}
	m.writesGo("gru")
	if got := m.ask("GET", "/connection"); got.where != "gru" || got.text != connection.text {
		t.Errorf("the app's connection was %+v, and is %+v", connection, got)
	}

	m.do(func(ctx context.Context) error { return ord.Rebuild(ctx, gru) })
	m.readsIn("ord")
	m.writesGo("gru")
	m.do(m.cluster.WaitCaughtUp)
	m.do(func(ctx context.Context) error { return gru.Stop(ctx, pgtest.Fast) })
	m.do(ord.Promote)
	m.knows("ord")
	m.writesGo("ord")
}
