//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

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
