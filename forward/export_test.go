package forward

import "time"

// Idle returns how many connections to a machine are kept for the next exchange.
func (p *Pool) Idle(addr string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle[addr])
}

// Due reports whether to yield.
func (y *Yield) Due() bool { return y.due() }

// Learn takes how long the read has taken.
func (y *Yield) Learn(took time.Duration) { y.learn(took) }
