package link

import "errors"

var errCut = errors.New("the way there is cut")

// Cut breaks all connections, and refuses others until Mend: at once, where a network
// would let both sides wait for a time. What is held back stays so.
func (l *Link) Cut() { l.breakAfter(func() { l.cut = true }) }

// Mend lets connections be made again.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}

func (l *Link) isCut() bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.cut
}
