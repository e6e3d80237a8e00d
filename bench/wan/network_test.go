//go:build linux

package wan_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"homing/bench/wan"
	"homing/region"
)

const ms = time.Millisecond

// newNetwork skips the test where the system does not allow networks.
func newNetwork(t testing.TB, cfg wan.Config) *wan.Network {
	t.Helper()
	n, err := wan.New(cfg)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func noDelay(region.Code, region.Code) time.Duration { return 0 }

// near are two sites without a distance.
func near() wan.Config { return wan.Config{Sites: []region.Code{"gru", "ord"}, Delay: noDelay} }

// connect returns both ends of a connection from one site to another.
func connect(t testing.TB, n *wan.Network, from, to region.Code) (near, far net.Conn) {
	t.Helper()
	l, err := n.Site(to).Listen(t.Context(), "tcp", ":80")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	near, err = n.Site(from).DialContext(ctx, "tcp", string(to)+":80")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { near.Close() })
	far, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { far.Close() })
	return near, far
}

func TestARoundTripTakesTheDelaysOfBothDirections(t *testing.T) {
	oneWay := map[[2]region.Code]time.Duration{
		{"gru", "ord"}: 9 * ms, {"ord", "gru"}: 14 * ms,
		{"gru", "ams"}: 5 * ms, {"ams", "gru"}: 5 * ms,
	}
	n := newNetwork(t, wan.Config{
		Sites: []region.Code{"gru", "ord", "ams"},
		Delay: func(a, b region.Code) time.Duration { return oneWay[[2]region.Code{a, b}] },
	})
	for to, want := range map[region.Code]time.Duration{"ord": 23 * ms, "ams": 10 * ms} {
		near, far := connect(t, n, "gru", to)
		go io.Copy(far, far)
		wantRoundTrip(t, near, want)
	}
}

// wantRoundTrip sends a byte back and forth until it has taken just the time: no machine
// is busy all the time. It must never take less.
func wantRoundTrip(t *testing.T, c net.Conn, want time.Duration) {
	t.Helper()
	shortest := time.Hour
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end) && shortest > want+ms; {
		begun := time.Now()
		if _, err := c.Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		shortest = min(shortest, time.Since(begun))
	}
	if shortest < want || shortest > want+ms {
		t.Errorf("from %v to %v and back in %v, want %v and at most 1 ms more", c.LocalAddr(), c.RemoteAddr(), shortest, want)
	}
}

func TestBytesArriveAsTheyWereSent(t *testing.T) {
	for name, change := range map[string]func(*wan.Config){
		"in bundles":              func(*wan.Config) {},
		"packet by packet":        func(c *wan.Config) { c.Rate = 1e9 },
		"though packets are lost": func(c *wan.Config) { c.Loss, c.Seed = 0.01, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := near()
			change(&cfg)
			near, far := connect(t, newNetwork(t, cfg), "gru", "ord")
			sent := bytes.Repeat([]byte("0123456789abcdef"), 64<<10)
			go func() {
				near.Write(sent)
				near.Close()
			}()
			got, err := io.ReadAll(far)
			if err != nil || !bytes.Equal(got, sent) {
				t.Errorf("%d bytes arrived, equal: %v, %v; want %d", len(got), bytes.Equal(got, sent), err, len(sent))
			}
		})
	}
}
