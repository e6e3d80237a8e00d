package forward

// Idle returns how many connections to a machine are kept for the next exchange.
func (p *Pool) Idle(addr string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle[addr])
}
