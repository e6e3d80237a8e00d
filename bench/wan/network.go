package wan

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"sync"
	"time"

	"homing/region"
)

// Network is sites and the lines between them. Create it with [New]. Safe for
// concurrent use.
type Network struct {
	sites   []*Site
	byName  map[region.Code]*Site
	began   time.Time
	carrier *carrier

	mu    sync.Mutex
	lines [][]*line // by the sites' numbers, from and to; nil from one to itself
}

// prefix has the sites' addresses: a range for measuring networks (RFC 2544, appendix
// C.2.2), so that none of them is anybody's.
var prefix = netip.MustParsePrefix("198.18.0.0/15")

// address is a site's, by its number.
func address(number int) netip.Addr {
	a := prefix.Addr().As4()
	a[3] = byte(number + 1)
	return netip.AddrFrom4(a)
}

// numberOf is the way back.
func numberOf(addr netip.Addr) (number int, ok bool) {
	number = int(addr.As4()[3]) - 1
	return number, number >= 0 && address(number) == addr
}

// New returns a network. It must be closed. The error joins all that is wrong with cfg,
// or says what the system did not allow.
func New(cfg Config) (*Network, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("wan: %w", err)
	}
	cfg = cfg.withDefaults()
	n := &Network{byName: map[region.Code]*Site{}, began: time.Now()}
	if err := n.open(cfg); err != nil {
		return nil, errors.Join(fmt.Errorf("wan: %w", err), n.Close())
	}
	return n, nil
}

// open makes all that New returns; what is there after an error is for Close.
func (n *Network) open(cfg Config) (err error) {
	for i, code := range cfg.Sites {
		s := &Site{network: n, number: i, code: code, addr: address(i)}
		n.sites, n.byName[code] = append(n.sites, s), s
		if err := s.open(cfg); err != nil {
			return fmt.Errorf("site %s: %w", code, err)
		}
	}
	for _, s := range n.sites {
		if err := s.set(cfg.Sysctl); err != nil {
			return fmt.Errorf("site %s: %w", s.code, err)
		}
	}
	n.layLines(cfg)
	n.carrier, err = startCarrier(n)
	return err
}

func (n *Network) layLines(cfg Config) {
	n.lines = make([][]*line, len(n.sites))
	for i, a := range n.sites {
		n.lines[i] = make([]*line, len(n.sites))
		for j, b := range n.sites {
			if i == j {
				continue
			}
			n.lines[i][j] = &line{
				delay: max(0, cfg.Delay(a.code, b.code)), rate: cfg.Rate, queue: cfg.Queue, loss: cfg.Loss, to: b,
				dice: rand.New(rand.NewPCG(cfg.Seed, uint64(i*maxSites+j))),
			}
		}
	}
}

// Close takes the network away. Packets on their way are lost, sockets that are still
// open in a site reach nobody any more, and new ones are refused with [os.ErrClosed].
func (n *Network) Close() error {
	var errs []error
	if n.carrier != nil {
		errs = append(errs, n.carrier.stop())
		n.carrier = nil
	}
	for _, s := range n.sites {
		errs = append(errs, s.close())
	}
	n.sites = nil
	return errors.Join(errs...)
}

// Site returns the site of a region; nil where there is none.
func (n *Network) Site(code region.Code) *Site { return n.byName[code] }

// Cut lets nothing through between two sites, in neither direction, until [Network.Heal].
// What is on its way arrives.
func (n *Network) Cut(a, b region.Code) { n.setCut(a, b, true) }

// Heal ends a Cut.
func (n *Network) Heal(a, b region.Code) { n.setCut(a, b, false) }

func (n *Network) setCut(a, b region.Code, cut bool) {
	there, back := n.line(a, b), n.line(b, a)
	n.mu.Lock()
	defer n.mu.Unlock()
	there.cut, back.cut = cut, cut
}

// Counts returns how many packets have gone from a to b.
func (n *Network) Counts(a, b region.Code) Counts {
	l := n.line(a, b)
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.counts
}

// line panics where there is none: who asks has named the sites.
func (n *Network) line(a, b region.Code) *line {
	from, to := n.byName[a], n.byName[b]
	if from == nil || to == nil || from == to {
		panic(fmt.Sprintf("wan: there is no line from %q to %q", a, b))
	}
	return n.lines[from.number][to.number]
}

// set writes settings; it runs in the site, where /proc shows the site's own.
func (s *Site) set(sysctl map[string]string) error {
	return s.space.do(func() error {
		for name, value := range sysctl {
			file := "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
			if err := os.WriteFile(file, []byte(value), 0); err != nil {
				return fmt.Errorf("set %s=%s: %w", name, value, err)
			}
		}
		return nil
	})
}
