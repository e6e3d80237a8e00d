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

	"homing/bench/result"
)

// Connections that are held, and how many are opened at the same time.
const (
	heldConns = 2000
	opening   = 50
)

// idle measures what a connection costs that has had its answer and waits.
func idle(ctx context.Context, b *bench) (*result.Table, error) {
	return b.held(ctx, "idle", fmt.Sprintf("%d idle connections", heldConns), "GET / HTTP/1.1\r\nHost: bench\r\n\r\n", finished)
}

// tunnels measures what an upgraded connection costs through which something has gone
// in both directions.
func tunnels(ctx context.Context, b *bench) (*result.Table, error) {
	return b.held(ctx, "tunnels", fmt.Sprintf("%d tunnels", heldConns), "GET /tunnel HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
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
func (b *bench) held(ctx context.Context, name, title, request string, answered func(net.Conn) error) (*result.Table, error) {
	memory, open := make([][]float64, len(b.peers)), make([][]float64, len(b.peers))
	for round := range min(b.rounds, 3) {
		for i, p := range b.peers {
			progress("%s, round %d: %s", name, round+1, p.name)
			rss, files, err := b.hold(ctx, p, request, answered)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
			memory[i], open[i] = append(memory[i], rss), append(open[i], files)
		}
	}
	t := newTable(title, result.Column{Name: "memory", Unit: "KiB each", Digits: 1}, result.Column{Name: "files", Unit: "each", Digits: 2})
	for i, p := range b.peers {
		add(t, p.name, median(memory[i])/1024, median(open[i]))
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
