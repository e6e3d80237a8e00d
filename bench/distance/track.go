package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/forward"
	"homing/region"
)

// track is an edge with connections of its own, and a client of it.
type track struct {
	setup  int // its number
	client *http.Client
	url    string
	body   []byte
	last   time.Time // when its last write had been answered

	stop context.CancelFunc // of its beats; nil: there are none
	beat chan error         // what ended them
}

// newTrack starts an edge that keeps unused connections for so long; 0 is its default.
func (w *world) newTrack(keep time.Duration, size int) (*track, error) {
	site := w.network.Site(w.near)
	e, err := edge.New(edge.Config{
		Region: w.near, App: app,
		Fleet:    fleet.New(func(a, b region.Code) time.Duration { d, _ := region.RoundTrip(a, b); return d }, w.machines...),
		Machines: forward.Config{Dial: site.DialContext, IdleTimeout: keep},
		Logger:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	w.ends = append(w.ends, closer(e.Close))
	addr, err := w.serve(w.near, e.Server())
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{DialContext: site.DialContext}
	w.ends = append(w.ends, closer(transport.CloseIdleConnections))
	return &track{client: &http.Client{Transport: transport}, url: "http://" + addr + "/", body: bytes.Repeat([]byte("x"), size)}, nil
}

type closer func()

func (c closer) Close() error {
	c()
	return nil
}

// write sends the body, and returns when its answer was there.
func (t *track) write(ctx context.Context) (time.Duration, error) {
	took, err := t.send(ctx, t.body)
	t.last = time.Now()
	return took, err
}

func (t *track) send(ctx context.Context, body []byte) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	resp, err := t.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	took := time.Since(begun)
	if err == nil && !strings.HasPrefix(string(answer), fmt.Sprintf("%d bytes written", len(body))) {
		err = fmt.Errorf("%s: %.200s", resp.Status, answer)
	}
	return took, err
}

// startBeats sends a small write now and again and again, until endBeats.
func (t *track) startBeats(ctx context.Context, every time.Duration) {
	ctx, t.stop = context.WithCancel(ctx)
	t.beat = make(chan error, 1)
	go func() {
		ticks := time.NewTicker(every)
		defer ticks.Stop()
		for ctx.Err() == nil {
			// One that has begun must end, or its connection would.
			if _, err := t.send(context.WithoutCancel(ctx), []byte("beat")); err != nil {
				t.beat <- err
				return
			}
			select {
			case <-ticks.C:
			case <-ctx.Done():
			}
		}
		t.beat <- nil
	}()
}

// endBeats waits for the last of them.
func (t *track) endBeats() error {
	if t.stop == nil {
		return nil
	}
	t.stop()
	t.stop = nil
	return <-t.beat
}
