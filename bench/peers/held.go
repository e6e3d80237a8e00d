//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections that are held, and how many are opened at the same time.
const (
	heldConns = 2000
	opening   = 50
)

// idle measures what a connection costs that has had its answer and waits.
func idle(ctx context.Context, b *bench) (table, error) {
	t := table{name: "idle", title: fmt.Sprintf("%d idle connections", heldConns), columns: []column{{"KiB each", 1}, {"files each", 2}}}
	return b.held(ctx, t, "GET / HTTP/1.1\r\nHost: bench\r\n\r\n", finished)
}

// tunnels measures what an upgraded connection costs through which something has gone
// in both directions.
func tunnels(ctx context.Context, b *bench) (table, error) {
	t := table{name: "tunnels", title: fmt.Sprintf("%d tunnels", heldConns), columns: []column{{"KiB each", 1}, {"files each", 2}}}
	return b.held(ctx, t, "GET /tunnel HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", echoed)
}

// finished reads an answer to its end.
func finished(c net.Conn) error {
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return err
}

// echoed reads the answer to an upgrade, sends something and reads what comes back.
func echoed(c net.Conn) error {
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(resp.Status)
	}
	sent := make([]byte, 256)
	if _, err := c.Write(sent); err != nil {
		return err
	}
	_, err = io.ReadFull(r, sent)
	return err
}

// held measures what each of many connections adds to what a peer holds, each time to
// one that has just started. It does so three times at most: memory is noisy in one
// direction only, and a run has to end.
func (b *bench) held(ctx context.Context, t table, request string, answered func(net.Conn) error) (table, error) {
	memory, open := make([][]float64, len(b.peers)), make([][]float64, len(b.peers))
	for round := range min(b.rounds, 3) {
		for i, p := range b.peers {
			b.progress("%s, round %d: %s", t.name, round+1, p.name)
			rss, files, err := b.hold(ctx, p, request, answered)
			if err != nil {
				return t, fmt.Errorf("%s: %w", p.name, err)
			}
			memory[i], open[i] = append(memory[i], rss), append(open[i], files)
		}
	}
	for i, p := range b.peers {
		t.add(p.name, median(memory[i])/1024, median(open[i]))
	}
	return t, nil
}

// hold returns the bytes and the descriptors that each connection adds.
func (b *bench) hold(ctx context.Context, p peer, request string, answered func(net.Conn) error) (rss, files float64, err error) {
	run, err := p.start(ctx, b.dir, b.origin)
	if err != nil {
		return 0, 0, err
	}
	defer run.stop()
	// Code and pools that the first requests load are no connection's.
	if _, err := (load{path: "/", conns: opening}).run(ctx, b.dir, run.url(""), 1); err != nil {
		return 0, 0, err
	}
	before, err := settled(ctx, run.pids)
	if err != nil {
		return 0, 0, err
	}
	filesBefore := descriptors(run.pids)
	conns, err := openAll(ctx, run.addr, request, answered)
	defer closeAll(conns)
	if err != nil {
		return 0, 0, err
	}
	after, err := settled(ctx, run.pids)
	return float64(after-before) / heldConns, float64(descriptors(run.pids)-filesBefore) / heldConns, err
}

// openAll opens connections that have each had an answer.
func openAll(ctx context.Context, addr, request string, answered func(net.Conn) error) ([]net.Conn, error) {
	var (
		mu    sync.Mutex // guards conns and errs
		conns []net.Conn
		errs  []error
		wait  sync.WaitGroup
	)
	for range opening {
		wait.Go(func() {
			for range heldConns / opening {
				c, err := openOne(ctx, addr, request, answered)
				mu.Lock()
				if err != nil {
					errs = append(errs, err)
				} else {
					conns = append(conns, c)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wait.Wait()
	if len(errs) > 0 {
		return conns, fmt.Errorf("%d of %d connections did not come about: %w", heldConns-len(conns), heldConns, errs[0])
	}
	return conns, nil
}

func openOne(ctx context.Context, addr, request string, answered func(net.Conn) error) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err = io.WriteString(c, request); err == nil {
		err = answered(c)
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func closeAll(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}

// settled waits until what processes hold has not changed for half a second, three
// seconds at most, and returns it.
func settled(ctx context.Context, pids []int) (int64, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	_, last, err := measure(pids)
	for same, ticks := 0, 0; err == nil && same < 5 && ticks < 30; ticks++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		var now int64
		if _, now, err = measure(pids); now == last {
			same++
		} else {
			same, last = 0, now
		}
	}
	return last, err
}
