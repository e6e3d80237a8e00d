package pgtest

import (
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// gate stands between a standby and the server it follows. The standby connects
// to the gate, whatever it follows; what comes from there can be delayed and held.
// What the standby says goes through at once.
type gate struct {
	listener net.Listener

	// passing is held for reading while something is handed to the standby, so
	// that nothing is once hold has returned.
	passing sync.RWMutex

	mu       sync.Mutex
	upstream int           // a port, or nobody
	delay    time.Duration // for what comes from now on
	released chan struct{} // closed while nothing is held
	conns    map[net.Conn]struct{}
	closed   bool

	accepting sync.Once
	done      sync.WaitGroup
}

const nobody = 0

func newGate() (*gate, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{listener: l, released: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(g.released)
	return g, nil
}

func (g *gate) port() int { return g.listener.Addr().(*net.TCPAddr).Port }

func (g *gate) accept() {
	for {
		standby, err := g.listener.Accept()
		if err != nil {
			return // closed
		}
		g.done.Go(func() { g.connect(standby) })
	}
}

// connect joins the standby to the upstream until either ends. Where that cannot
// be, the standby is sent away, and comes again by itself.
func (g *gate) connect(standby net.Conn) {
	defer standby.Close()
	g.mu.Lock()
	port := g.upstream
	g.mu.Unlock()
	if port == nobody {
		return
	}
	server, err := net.Dial("tcp", loopback(port))
	if err != nil {
		return
	}
	defer server.Close()
	if !g.admit(port, standby, server) {
		return
	}
	defer g.forget(standby, server)
	g.carry(standby, server)
}

// admit keeps the connections in order to break them, unless that is due already.
func (g *gate) admit(port int, conns ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || g.upstream != port {
		return false
	}
	for _, c := range conns {
		g.conns[c] = struct{}{}
	}
	return true
}

func (g *gate) forget(conns ...net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, c := range conns {
		delete(g.conns, c)
	}
}

// part is something on its way to the standby.
type part struct {
	b   []byte
	due time.Time
}

func (g *gate) carry(standby, server net.Conn) {
	gone := make(chan struct{}) // the standby went, or was sent, away
	go func() {
		defer close(gone)
		io.Copy(server, standby) // its end is all that matters
		server.Close()
	}()
	parts := make(chan part, 256)
	go func() {
		defer close(parts)
		g.receive(server, parts, gone)
	}()
	for p := range parts {
		if !g.deliver(standby, p, gone) {
			break
		}
	}
	standby.Close()
	<-gone
	for range parts { // until receive has ended too
	}
}

// receive reads what the server says until it ends.
func (g *gate) receive(server net.Conn, parts chan<- part, gone <-chan struct{}) {
	for {
		b := make([]byte, 32<<10)
		n, err := server.Read(b)
		if n > 0 {
			g.mu.Lock()
			due := time.Now().Add(g.delay)
			g.mu.Unlock()
			select {
			case parts <- part{b[:n], due}:
			case <-gone:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// deliver hands p to the standby when it is due and the gate open; it reports
// whether more may follow.
func (g *gate) deliver(standby net.Conn, p part, gone <-chan struct{}) bool {
	due := time.NewTimer(time.Until(p.due))
	defer due.Stop()
	select {
	case <-due.C:
	case <-gone:
		return false
	}
	for {
		g.passing.RLock()
		released := g.whenReleased()
		select {
		case <-released:
			_, err := standby.Write(p.b)
			g.passing.RUnlock()
			return err == nil
		default:
			g.passing.RUnlock()
		}
		select {
		case <-released:
		case <-gone:
			return false
		}
	}
}

func (g *gate) whenReleased() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.released
}

func (g *gate) held() bool {
	select {
	case <-g.whenReleased():
		return false
	default:
		return true
	}
}

// hold lets nothing more through; when it returns, nothing comes through.
func (g *gate) hold() {
	g.passing.Lock()
	defer g.passing.Unlock()
	if !g.held() {
		g.mu.Lock()
		g.released = make(chan struct{})
		g.mu.Unlock()
	}
}

func (g *gate) release() {
	g.passing.Lock() // one change at a time
	defer g.passing.Unlock()
	if g.held() {
		g.mu.Lock()
		close(g.released)
		g.mu.Unlock()
	}
}

func (g *gate) setDelay(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.delay = d
}

// follow leads to another server from now on. What was on its way is lost, as on
// a line that is cut. Who connects before the first call waits for it.
func (g *gate) follow(port int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.accepting.Do(func() { g.done.Go(g.accept) })
	if port != g.upstream {
		g.upstream = port
		g.cut()
	}
}

// cut breaks all connections; g.mu is held.
func (g *gate) cut() {
	for c := range g.conns {
		c.Close()
	}
}

// close ends the gate and returns when nothing of it is left.
func (g *gate) close() {
	g.listener.Close()
	g.mu.Lock()
	g.closed = true
	g.cut()
	g.mu.Unlock()
	g.done.Wait()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
