package wan

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// carrier is the one thread that moves packets.
type carrier struct {
	network *Network
	wake    int // an eventfd that is readable when it is to end
	ended   chan struct{}

	buf   []byte
	stock [2]*packet // to be used again, small and large ones
}

// small is enough for a packet that travels by itself.
const small = bundleHeader + mtu

// batch is how many packets are read from one site before the next has its turn, and
// what is due is written.
const batch = 64

func startCarrier(n *Network) (*carrier, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	c := &carrier{network: n, wake: wake, ended: make(chan struct{}), buf: make([]byte, largest)}
	go c.run()
	return c, nil
}

func (c *carrier) stop() error {
	if _, err := unix.Write(c.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
		return fmt.Errorf("wake the carrier: %w", err)
	}
	<-c.ended
	return unix.Close(c.wake)
}

func (c *carrier) run() {
	defer close(c.ended)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer hurry()()

	fds := []unix.PollFd{{Fd: int32(c.wake), Events: unix.POLLIN}}
	for _, s := range c.network.sites {
		fds = append(fds, unix.PollFd{Fd: int32(s.tun.fd), Events: unix.POLLIN})
	}
	for fds[0].Revents == 0 {
		_, _ = unix.Ppoll(fds, c.patience(), nil) // interrupted by a signal: look all the same
		for i, fd := range fds[1:] {
			if fd.Revents&unix.POLLIN != 0 {
				c.take(c.network.sites[i])
			}
		}
		c.deliver()
	}
}

// hurry puts this thread before all others, which have to wait for it anyway, and lets
// it sleep no longer than it asks for: the kernel would add 50 µs. Where that is not
// allowed it does without. What is returned undoes it.
func hurry() (undo func()) {
	was, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // the kernel says 20 less the nice value
	if err == nil {
		err = unix.Setpriority(unix.PRIO_PROCESS, 0, -20)
	}
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	return func() {
		_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 0, 0, 0, 0) // 0: what it was
		if err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, 0, 20-was)
		}
	}
}

func (c *carrier) now() time.Duration { return time.Since(c.network.began) }

// patience is how long nothing is due; nil: nothing is on its way.
func (c *carrier) patience() *unix.Timespec {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	next := time.Duration(-1)
	for _, row := range c.network.lines {
		for _, l := range row {
			if l != nil && l.first != nil && (next < 0 || l.first.due < next) {
				next = l.first.due
			}
		}
	}
	if next < 0 {
		return nil
	}
	ts := unix.NsecToTimespec(int64(max(0, next-c.now())))
	return &ts
}

// take puts what a site sends on its way.
func (c *carrier) take(from *Site) {
	lines := c.network.lines[from.number]
	for range batch {
		b := from.tun.read(c.buf)
		if b == nil {
			return
		}
		to, ok := from.tun.destination(b)
		if !ok || to >= len(lines) || lines[to] == nil {
			continue // for nobody
		}
		c.send(lines[to], b, len(b)-from.tun.header)
	}
}

func (c *carrier) send(l *line, b []byte, size int) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if due, ok := l.admit(c.now(), size); ok {
		p := c.fresh(b)
		p.due = due
		l.push(p)
	}
}

// deliver writes what is due.
func (c *carrier) deliver() {
	now := c.now()
	for _, row := range c.network.lines {
		for _, l := range row {
			for l != nil {
				p := c.next(l, now)
				if p == nil {
					break
				}
				l.to.tun.write(p.b)
				c.keep(p)
			}
		}
	}
}

func (c *carrier) next(l *line, now time.Duration) *packet {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	return l.pop(now)
}

// fresh returns a packet with a copy of b.
func (c *carrier) fresh(b []byte) *packet {
	kind, size := 0, small
	if len(b) > small {
		kind, size = 1, largest
	}
	p := c.stock[kind]
	if p == nil {
		p = &packet{b: make([]byte, 0, size)}
	} else {
		c.stock[kind] = p.next
	}
	p.b = append(p.b[:0], b...)
	return p
}

// keep takes a packet back into stock.
func (c *carrier) keep(p *packet) {
	kind := 0
	if cap(p.b) > small {
		kind = 1
	}
	p.next, c.stock[kind] = c.stock[kind], p
}
