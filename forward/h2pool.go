package forward

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// h2Pool keeps HTTP/2 connections to machines, which many requests share.
type h2Pool struct {
	cfg    Config
	ctx    context.Context // of dials; ended by close
	cancel context.CancelFunc

	mu     sync.Mutex
	conns  map[string][]*h2Conn // by address, the youngest last
	dials  map[string]*h2Dial   // under way; those who wait share one
	closed bool
}

// h2Dial is a connection that is being opened.
type h2Dial struct {
	done chan struct{}
	conn *h2Conn // read after done is closed, like err
	err  error
}

// h2Conn is a connection to a machine. Its pool's mu guards what is not said to be
// otherwise.
type h2Conn struct {
	cc      *http.ClientConn
	watch   *watch
	addr    string
	opening chan struct{} // holds one value while a request's head is sent
	active  int           // exchanges
	retired bool          // takes no more
	idle    *time.Timer   // closes it; runs while active is 0
}

func newH2Pool(cfg Config) *h2Pool {
	p := &h2Pool{cfg: cfg, conns: make(map[string][]*h2Conn), dials: make(map[string]*h2Dial)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// take returns a connection with room for a request, which counts as one of its
// exchanges until done is called. A request that must have a fresh one may share
// it with others that wait for the same.
func (p *h2Pool) take(ctx context.Context, addr string, req *Request) (c *h2Conn, reused bool, err error) {
	timeout := req.ConnectTimeout
	if timeout <= 0 {
		timeout = p.cfg.ConnectTimeout
	}
	wait, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for {
		c, dial, err := p.find(addr, req.Fresh)
		if c != nil || err != nil {
			return c, true, err
		}
		select {
		case <-dial.done:
		case <-wait.Done():
			return nil, false, wait.Err()
		}
		if dial.err != nil || p.join(dial.conn) {
			return dial.conn, false, dial.err
		}
	}
}

// find returns a connection that has room, or the dial of one.
func (p *h2Pool) find(addr string, fresh bool) (*h2Conn, *h2Dial, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	if !fresh {
		for _, c := range slices.Backward(p.conns[addr]) {
			if p.reserve(c) {
				return c, nil, nil
			}
		}
	}
	if p.dials[addr] == nil {
		p.dials[addr] = p.dial(addr)
	}
	return nil, p.dials[addr], nil
}

func (p *h2Pool) join(c *h2Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reserve(c)
}

// reserve takes room for one exchange; mu is held.
func (p *h2Pool) reserve(c *h2Conn) bool {
	if c.retired || c.watch.isLost() || c.cc.Reserve() != nil {
		return false
	}
	c.idle.Stop() // a timer that fires now finds the exchange
	c.active++
	return true
}

// dial opens a connection for whoever waits for it. The one who came first may go
// away before it is there.
func (p *h2Pool) dial(addr string) *h2Dial {
	d := &h2Dial{done: make(chan struct{})}
	go func() {
		ctx, cancel := context.WithTimeout(p.ctx, p.cfg.ConnectTimeout)
		defer cancel()
		defer close(d.done)
		d.conn, d.err = p.connect(ctx, addr)
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.dials, addr)
		switch {
		case d.err != nil:
		case p.closed:
			d.conn.cc.Close()
			d.err = errClosed
		default:
			d.conn.idle = time.AfterFunc(p.cfg.IdleTimeout, func() { p.expire(d.conn) })
			p.conns[addr] = append(p.conns[addr], d.conn)
		}
	}()
	return d
}

// connect opens a connection. net/http is handed one that we dialled, and has it
// to itself: its own pool would send a request again when it sees fit.
func (p *h2Pool) connect(ctx context.Context, addr string) (*h2Conn, error) {
	nc, err := p.cfg.Dial(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	w := newWatch(nc)
	t := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return w, nil },
		Protocols:              new(http.Protocols),
		DisableCompression:     true, // what the client did not accept, it must not get
		MaxResponseHeaderBytes: 64 << 10,
		HTTP2: &http.HTTP2Config{
			MaxReceiveBufferPerStream: 1 << 20, // what one slow client makes us hold
			WriteByteTimeout:          writeStall,
		},
	}
	t.Protocols.SetUnencryptedHTTP2(true)
	cc, err := t.NewClientConn(ctx, "http", "machine:80") // a name for nobody: it is dialled already
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &h2Conn{cc: cc, watch: w, addr: addr, opening: make(chan struct{}, 1)}, nil
}

// writeStall is how long a machine may take nothing at all off an HTTP/2
// connection. Every request on it would wait with the one that is stuck.
const writeStall = time.Minute

// done ends an exchange.
func (p *h2Pool) done(c *h2Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.active--
	switch {
	case c.active > 0:
	case p.closed || c.retired || c.watch.isLost() || c.cc.Err() != nil:
		p.drop(c)
	default:
		c.idle.Reset(p.cfg.IdleTimeout)
	}
}

// retire lets no new exchange begin on a connection.
func (p *h2Pool) retire(c *h2Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.retired = true
}

// expire closes a connection that was idle for long enough.
func (p *h2Pool) expire(c *h2Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.active == 0 {
		p.drop(c)
	}
}

// drop closes a connection and forgets it; mu is held.
func (p *h2Pool) drop(c *h2Conn) {
	c.retired = true
	c.idle.Stop()
	c.cc.Close()
	rest := slices.DeleteFunc(p.conns[c.addr], func(other *h2Conn) bool { return other == c })
	if p.conns[c.addr] = rest; len(rest) == 0 {
		delete(p.conns, c.addr)
	}
}

// close closes what is idle, and the rest when its exchanges have ended.
func (p *h2Pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	p.cancel()
	for _, list := range p.conns {
		for _, c := range slices.Clone(list) {
			if c.active == 0 {
				p.drop(c)
			}
		}
	}
}
