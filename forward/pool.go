package forward

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"
)

// Config says how machines are reached. The zero value is usable.
type Config struct {
	// Dial opens a connection; nil is a plain [net.Dialer].
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// ConnectTimeout bounds Dial. Default 5 s.
	ConnectTimeout time.Duration
	// ContinueWait is how long a machine may say nothing to an announced body before
	// it is sent it. Default 1 s.
	ContinueWait time.Duration
	// IdleTimeout is how long an unused connection is kept where the machine has not
	// said for how long it keeps it (Keep-Alive: timeout=…). Default 4 s, less
	// than the 5 s after which common servers (Node's among them) close theirs:
	// a longer one risks writing into a connection that is just being closed.
	IdleTimeout time.Duration
	// MaxIdle is how many unused connections are kept for each machine. Default 64.
	MaxIdle int
}

func (c Config) withDefaults() Config {
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = 5 * time.Second
	}
	if c.ContinueWait <= 0 {
		c.ContinueWait = time.Second
	}
	if c.IdleTimeout <= 0 {
		c.IdleTimeout = 4 * time.Second
	}
	if c.MaxIdle <= 0 {
		c.MaxIdle = 64
	}
	return c
}

var errClosed = errors.New("the pool is closed")

// Pool keeps connections to machines for the next exchange. Create it with
// [NewPool]. Safe for concurrent use.
type Pool struct {
	cfg   Config
	made  time.Time
	heads sync.Pool // of *[]byte, for the heads of requests
	h2    *h2Pool   // to machines that speak HTTP/2

	mu       sync.Mutex
	idle     map[string][]*conn // by address, the longest idle first
	sweeping bool               // a sweep is due
	closed   bool
}

// NewPool returns an empty pool.
func NewPool(cfg Config) *Pool {
	p := &Pool{cfg: cfg.withDefaults(), made: time.Now(), idle: make(map[string][]*conn)}
	p.h2 = newH2Pool(p.cfg)
	p.heads.New = func() any { return new([]byte) }
	return p
}

// clock tells the time that connections are kept by. It costs half of [time.Now].
func (p *Pool) clock() time.Duration { return time.Since(p.made) }

// get returns an idle connection, the one used last, or opens one.
func (p *Pool) get(ctx context.Context, addr string, req *Request) (*conn, error) {
	for {
		c, err := p.pop(addr, req.Fresh)
		if err != nil {
			return nil, err
		}
		if c == nil {
			return p.open(ctx, addr, req.ConnectTimeout)
		}
		if c.usable(req.Once) {
			c.reused = true
			return c, nil
		}
		c.Close()
	}
}

// pop takes the youngest idle connection, or nil if there is none young enough,
// or a fresh one is wanted.
func (p *Pool) pop(addr string, fresh bool) (*conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	list := p.idle[addr]
	if fresh || len(list) == 0 {
		return nil, nil
	}
	c := list[len(list)-1]
	if p.clock() > c.until {
		return nil, nil // the sweep closes it, and others that may be older still
	}
	list[len(list)-1] = nil
	p.idle[addr] = list[:len(list)-1]
	return c, nil
}

func (p *Pool) open(ctx context.Context, addr string, timeout time.Duration) (*conn, error) {
	if timeout <= 0 {
		timeout = p.cfg.ConnectTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begun := time.Now()
	nc, err := p.cfg.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := newConn(nc, addr)
	c.opening = time.Since(begun)
	return c, nil
}

// put keeps a connection for the next exchange.
func (p *Pool) put(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle[c.addr]) >= p.cfg.MaxIdle {
		c.Close()
		return
	}
	keep := p.cfg.IdleTimeout
	if c.mayIdle > 0 {
		keep = c.mayIdle
	}
	c.until, c.moved = p.clock()+keep, nil
	p.idle[c.addr] = append(p.idle[c.addr], c)
	p.sweepLater()
}

// sweepLater arranges one sweep; p.mu is held.
func (p *Pool) sweepLater() {
	if !p.sweeping {
		p.sweeping = true
		time.AfterFunc(p.cfg.IdleTimeout, p.sweep)
	}
}

// sweep closes what was idle for too long, and comes again while anything is idle.
func (p *Pool) sweep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sweeping = false
	now := p.clock()
	for addr, list := range p.idle {
		list = slices.DeleteFunc(list, func(c *conn) bool {
			old := now >= c.until
			if old {
				c.Close()
			}
			return old
		})
		if len(list) == 0 {
			delete(p.idle, addr)
			continue
		}
		p.idle[addr] = slices.Clone(list) // room for many is not kept for few
		p.sweepLater()
	}
}

// Close closes the idle connections and lets no new exchange begin. Those under
// way go on to their end.
func (p *Pool) Close() {
	p.h2.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, list := range p.idle {
		for _, c := range list {
			c.Close()
		}
	}
	clear(p.idle)
}
