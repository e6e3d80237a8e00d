package wan

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"homing/region"
)

// Config describes a network. Sites is required.
type Config struct {
	// Sites are the regions that there are, 250 at most.
	Sites []region.Code
	// Delay is how long a packet takes from a to b; it is asked once for each direction
	// of each pair. nil: half of [region.RoundTrip], which takes regions with a known
	// place.
	Delay func(a, b region.Code) time.Duration
	// Loss is the share of packets that get lost, from 0 to less than 1, in each
	// direction by itself. Which packets these are follows from Seed.
	Loss float64
	Seed uint64
	// Rate is how many bits a second pass from one site to another, headers of IP
	// included; each direction of each pair has it for itself. 0: as many as this
	// machine carries.
	Rate int64
	// Queue is how many bytes may wait in front of a rate; what comes beyond is dropped.
	// 0: what passes in 100 ms, and no less than 64 KiB.
	Queue int64
	// Congestion is TCP's congestion control from site to site. Empty: cubic, which is
	// Linux's own, whatever this machine prefers.
	Congestion string
	// InitialWindow is how many segments a connection sends at its beginning, and after
	// a pause, before it hears from the other side. 0: the kernel's 10.
	InitialWindow int
	// Sysctl are further settings of every site, such as
	// "net.ipv4.tcp_slow_start_after_idle": "0". All else is as in a new namespace.
	Sysctl map[string]string
}

const (
	maxSites        = 250
	defaultQueueFor = 100 * time.Millisecond
	leastQueue      = 64 << 10
)

func (c Config) withDefaults() Config {
	if c.Delay == nil {
		c.Delay = byPlace
	}
	if c.Queue == 0 {
		c.Queue = max(leastQueue, c.Rate/8*int64(defaultQueueFor)/int64(time.Second))
	}
	if c.Congestion == "" {
		c.Congestion = "cubic"
	}
	return c
}

// byPlace is false in validate for those that have none.
func byPlace(a, b region.Code) time.Duration {
	trip, _ := region.RoundTrip(a, b)
	return trip / 2
}

func (c Config) validate() error {
	errs := []error{c.validateSites()}
	if c.Loss < 0 || c.Loss >= 1 {
		errs = append(errs, fmt.Errorf("a loss of %v; want a share from 0 to less than 1", c.Loss))
	}
	if c.Rate < 0 || c.Queue < 0 || c.InitialWindow < 0 {
		errs = append(errs, errors.New("a rate, queue or initial window below 0"))
	}
	for name := range c.Sysctl {
		if !strings.HasPrefix(name, "net.") || strings.ContainsAny(name, "/ ") || strings.Contains(name, "..") {
			errs = append(errs, fmt.Errorf(`setting %q is none of a network; want a name such as "net.ipv4.tcp_rmem"`, name))
		}
	}
	return errors.Join(errs...)
}

func (c Config) validateSites() error {
	if len(c.Sites) == 0 || len(c.Sites) > maxSites {
		return fmt.Errorf("%d sites; want 1 to %d", len(c.Sites), maxSites)
	}
	var errs []error
	seen := map[region.Code]bool{}
	for _, s := range c.Sites {
		_, placed := s.Place()
		switch {
		case s == "" || s.IsAlias():
			errs = append(errs, fmt.Errorf("site %q is no single region", s))
		case seen[s]:
			errs = append(errs, fmt.Errorf("site %s is there twice", s))
		case !placed && c.Delay == nil:
			errs = append(errs, fmt.Errorf("nobody knows where %s is: set Delay", s))
		}
		seen[s] = true
	}
	return errors.Join(errs...)
}
